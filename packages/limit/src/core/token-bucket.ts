/**
 * Token bucket with continuous refill, as a pure step.
 *
 * The state is one moment: when the bucket will be full again. The distance to it (the debt) is what was taken and has not yet
 * refilled, so time alone refills the bucket, a full bucket needs no state at all, and an expired state decides like a stale
 * one. This is the virtual scheduling form of the leaky bucket (ITU-T I.371, GCRA), here with costs. O(1), exact integers.
 */
import type { Standing, Verdict } from './decision.ts';
import type { TokenBucketPolicy } from './policy.ts';
import { costSpan, type Span, type TokenBucketRate } from './token-bucket-rate.ts';

export interface TokenBucketState {
  readonly fullAtUs: number;
  /** Numerator over `policy.rate.tokens`. */
  readonly fraction: number;
}

export interface TokenBucketStep {
  readonly verdict: Verdict;
  /** The state that was given, the same object, unless tokens were taken. */
  readonly state: TokenBucketState | undefined;
}

/** One take of `cost` tokens. No state is a full bucket. A denied step returns the state it was given. */
export function takeTokens(
  policy: TokenBucketPolicy,
  state: TokenBucketState | undefined,
  nowUs: number,
  cost: number,
): TokenBucketStep {
  const debt = debtAt(policy.rate, state, nowUs);
  const after = addSpans(policy.rate, debt, costSpan(policy.rate, cost));
  if (!isWithin(policy.rate, after)) return { verdict: judge(policy, debt, cost, 'denied'), state };
  return {
    verdict: judge(policy, after, cost, 'allowed'),
    state: { fullAtUs: nowUs + after.us, fraction: after.fraction },
  };
}

/**
 * `takeTokens` for the hot path: of a bucket without fractions, and without an object but the verdict, whose `resetAfterUs` is the new
 * state. Undefined: refused, or there are fractions, and `takeTokens` has to say.
 */
export function takeWholeTokens(
  { rate }: TokenBucketPolicy,
  fullAtUs: number,
  nowUs: number,
  cost: number,
): Verdict | undefined {
  if (rate.tokens !== 1) return undefined;
  const afterUs = (fullAtUs > nowUs ? fullAtUs - nowUs : 0) + cost * rate.tokenUs;
  if (afterUs > rate.fullUs) return undefined;
  const remaining = Math.floor((rate.fullUs - afterUs) / rate.tokenUs);
  const refillAfterUs = afterUs + (remaining + 1) * rate.tokenUs - rate.fullUs;
  return { outcome: 'allowed', remaining, refillAfterUs, resetAfterUs: afterUs };
}

/** How a take of `cost` would end, without taking: `remaining` counts all that is there. */
export function peekTokens(
  policy: TokenBucketPolicy,
  state: TokenBucketState | undefined,
  nowUs: number,
  cost: number,
): Verdict {
  const debt = debtAt(policy.rate, state, nowUs);
  const fits = isWithin(policy.rate, addSpans(policy.rate, debt, costSpan(policy.rate, cost)));
  return judge(policy, debt, cost, fits ? 'allowed' : 'denied');
}

/** The state with `units` more taken, or, if there are not so many, with none left. */
export function drainTokens(
  policy: TokenBucketPolicy,
  state: TokenBucketState | undefined,
  nowUs: number,
  units: number,
): TokenBucketState | undefined {
  const { rate, capacity } = policy;
  const debt = debtAt(rate, state, nowUs);
  // Below empty after the capacity was lowered under what had been taken.
  if (units === 0 || !isWithin(rate, debt)) return state;
  const wanted = addSpans(rate, debt, costSpan(rate, Math.min(units, capacity)));
  const after = isWithin(rate, wanted) ? wanted : { us: rate.fullUs, fraction: rate.fullFraction };
  return { fullAtUs: nowUs + after.us, fraction: after.fraction };
}

/** Whether the state is garbage: it decides like none. */
export const isFull = (state: TokenBucketState, nowUs: number): boolean =>
  state.fullAtUs < nowUs || (state.fullAtUs === nowUs && state.fraction === 0);

/** Words for an outcome that is already known: by the step above, or by Redis. `debt` is what is missing afterwards. */
export function judge(policy: TokenBucketPolicy, debt: Span, cost: number, outcome: 'allowed' | 'denied'): Verdict {
  const { remaining, refillAfterUs, resetAfterUs } = standing(policy, debt);
  if (outcome === 'allowed') return { outcome, remaining, refillAfterUs, resetAfterUs };
  if (cost > policy.capacity) {
    return { outcome, reason: 'cost-exceeds-capacity', remaining, refillAfterUs, resetAfterUs };
  }
  const retryAfterUs = waitFor(policy.rate, debt, cost);
  return { outcome, reason: 'exhausted', retryAfterUs, remaining, refillAfterUs, resetAfterUs };
}

function standing(policy: TokenBucketPolicy, debt: Span): Standing {
  const { rate, capacity } = policy;
  if (debt.us === 0 && debt.fraction === 0) return { remaining: capacity, refillAfterUs: 0, resetAfterUs: 0 };
  // Most rates are a whole number of microseconds per token, and this is on the hot path.
  if (rate.tokens === 1) {
    // Below zero after the capacity was lowered under what had been taken.
    const remaining = Math.max(0, Math.floor((rate.fullUs - debt.us) / rate.tokenUs));
    const refillAfterUs = debt.us + (remaining + 1) * rate.tokenUs - rate.fullUs;
    return { remaining, refillAfterUs, resetAfterUs: debt.us };
  }
  // An estimate in floating point, off by at most one; the exact comparison settles it.
  let remaining = Math.floor(((rate.fullUs - debt.us) * rate.tokens) / rate.everyUs);
  remaining = Math.min(capacity, Math.max(0, remaining));
  while (remaining > 0 && !isWithin(rate, addSpans(rate, debt, costSpan(rate, remaining)))) remaining -= 1;
  while (remaining < capacity && isWithin(rate, addSpans(rate, debt, costSpan(rate, remaining + 1)))) remaining += 1;
  return {
    remaining,
    refillAfterUs: remaining === capacity ? 0 : waitFor(rate, debt, remaining + 1),
    resetAfterUs: wholeUs(debt),
  };
}

// A moment before now is a full bucket. A fraction over the denominator was written under another rate: it is rounded up.
function debtAt(rate: TokenBucketRate, state: TokenBucketState | undefined, nowUs: number): Span {
  if (state === undefined || state.fullAtUs < nowUs) return { us: 0, fraction: 0 };
  if (state.fraction >= rate.tokens) return { us: state.fullAtUs - nowUs + 1, fraction: 0 };
  return { us: state.fullAtUs - nowUs, fraction: state.fraction };
}

/** Whole microseconds until `cost` tokens fit. */
function waitFor(rate: TokenBucketRate, debt: Span, cost: number): number {
  const over = addSpans(rate, debt, costSpan(rate, cost));
  return over.us - rate.fullUs + (over.fraction > rate.fullFraction ? 1 : 0);
}

const wholeUs = (span: Span): number => span.us + (span.fraction > 0 ? 1 : 0);

const isWithin = (rate: TokenBucketRate, debt: Span): boolean =>
  debt.us < rate.fullUs || (debt.us === rate.fullUs && debt.fraction <= rate.fullFraction);

function addSpans(rate: TokenBucketRate, a: Span, b: Span): Span {
  const fraction = a.fraction + b.fraction;
  return fraction < rate.tokens
    ? { us: a.us + b.us, fraction }
    : { us: a.us + b.us + 1, fraction: fraction - rate.tokens };
}
