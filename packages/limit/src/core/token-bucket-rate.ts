/**
 * The rate of a token bucket in exact integers.
 *
 * A bucket is kept as the moment at which it will be full again; a token moves that moment by `everyUs / tokens`, which is
 * seldom a whole number of microseconds. So moments and spans are pairs: whole microseconds, and a numerator over `tokens`
 * (reduced by their greatest common divisor, mostly 1). Nothing is ever rounded, so that a year of takes neither gains nor
 * loses a token, and Lua's doubles reach the same integers as JavaScript's.
 */
export interface TokenBucketRate {
  /** Denominator of every `fraction`; with `everyUs` the reduced rate. */
  readonly tokens: number;
  readonly everyUs: number;
  /** One token as a span: `tokenUs + tokenFraction / tokens` microseconds. */
  readonly tokenUs: number;
  readonly tokenFraction: number;
  /** From empty to full. */
  readonly fullUs: number;
  readonly fullFraction: number;
}

/** A span of time: `us + fraction / rate.tokens` microseconds, `0 <= fraction < rate.tokens`. */
export interface Span {
  readonly us: number;
  readonly fraction: number;
}

// Quotients of integers below this by their factors never round up to the next integer, so floor() of them is exact.
const EXACT = 2 ** 50;
/** Added to today's time in microseconds it is still a safe integer. */
export const MAX_SPAN_US = 2 ** 52;

/** Undefined when the numbers are too large to stay exact. */
export function tokenBucketRate(capacity: number, refillTokens: number, refillUs: number): TokenBucketRate | undefined {
  const divisor = greatestCommonDivisor(refillTokens, refillUs);
  const tokens = refillTokens / divisor;
  const everyUs = refillUs / divisor;
  const tokenUs = Math.floor(everyUs / tokens);
  const tokenFraction = everyUs - tokenUs * tokens;
  if (capacity * tokens > EXACT || (tokenUs + 1) * capacity > MAX_SPAN_US) return undefined;
  const full = spanOf(tokens, tokenUs, tokenFraction, capacity);
  return { tokens, everyUs, tokenUs, tokenFraction, fullUs: full.us, fullFraction: full.fraction };
}

/** The span that `cost` tokens take to refill. */
export const costSpan = (rate: TokenBucketRate, cost: number): Span =>
  spanOf(rate.tokens, rate.tokenUs, rate.tokenFraction, cost);

function spanOf(tokens: number, tokenUs: number, tokenFraction: number, cost: number): Span {
  if (tokenFraction === 0) return { us: cost * tokenUs, fraction: 0 };
  const numerator = cost * tokenFraction;
  const carry = Math.floor(numerator / tokens);
  return { us: cost * tokenUs + carry, fraction: numerator - carry * tokens };
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
