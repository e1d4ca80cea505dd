import { ConfigurationError, type Duration, type Issue, toMs } from '@spillway/kernel';
import type { TokenBucketPolicy } from './policy.ts';
import { tokenBucketRate } from './token-bucket-rate.ts';

export interface TokenBucketOptions {
  /** Stands in headers, metrics and keys: letters, digits, `.`, `_` and `-`, at most 64. */
  readonly name: string;
  /** The largest burst: an integer >= 1. */
  readonly capacity: number;
  /** How much comes back, continuously: `{ tokens: 10, every: '1m' }`. */
  readonly refill: { readonly tokens: number; readonly every: Duration };
}

/**
 * A token bucket policy.
 * @throws {ConfigurationError} with every field at fault
 */
export function tokenBucket(options: TokenBucketOptions): TokenBucketPolicy {
  return parseTokenBucket({ ...options, strategy: 'token-bucket' });
}

// About 35 years. A quarter of what can be counted, so that a share of a policy can be counted too.
const LONGEST_US = 2 ** 50;

const FIELDS: ReadonlySet<string> = new Set(['strategy', 'name', 'capacity', 'refill', 'rate']);

/** From unknown data, such as a file. @throws {ConfigurationError} with every field at fault */
export function parseTokenBucket(input: unknown): TokenBucketPolicy {
  if (!isRecord(input)) throw refused([{ path: '', message: `must be an object, got ${show(input)}` }]);
  const issues: Issue[] = [];
  const { strategy, name, capacity, refill } = input;
  if (strategy !== 'token-bucket') {
    issues.push({ path: 'strategy', message: `must be "token-bucket", got ${show(strategy)}` });
  }
  checkName(name, issues);
  const burst = countFrom(capacity, 'capacity', issues);
  const { tokens, every, everyUs } = refillFrom(refill, issues);
  for (const field of Object.keys(input)) {
    if (!FIELDS.has(field)) issues.push({ path: field, message: 'is not a field of a policy; remove it' });
  }
  if (issues.length > 0) throw refused(issues, name);
  const rate = tokenBucketRate(burst, tokens, everyUs);
  if (rate === undefined || rate.fullUs > LONGEST_US || rate.everyUs > LONGEST_US) {
    const message = `with a capacity of ${burst} can not be counted exactly, got ${tokens} every ${every}; use rounder numbers or a shorter time`;
    throw refused([{ path: 'refill', message }], name);
  }
  return Object.freeze({
    strategy: 'token-bucket',
    name: String(name),
    capacity: burst,
    refill: Object.freeze({ tokens, every }),
    rate: Object.freeze(rate),
  });
}

function refillFrom(refill: unknown, issues: Issue[]): { tokens: number; every: Duration; everyUs: number } {
  if (!isRecord(refill)) {
    const message = `must say how much comes back, e.g. { tokens: 10, every: "1m" }, got ${show(refill)}`;
    issues.push({ path: 'refill', message });
    return { tokens: 1, every: '1s', everyUs: 1 };
  }
  const tokens = countFrom(refill.tokens, 'refill.tokens', issues);
  const every = refill.every as Duration;
  return { tokens, every, everyUs: durationUs(refill.every, issues) };
}

function durationUs(value: unknown, issues: Issue[]): number {
  const wanted = 'must be a duration of at least 1 ms, e.g. "1s" or "1m"';
  try {
    const ms = typeof value === 'string' ? toMs(value as Duration) : 0;
    if (ms >= 1 && Number.isSafeInteger(ms * 1000)) return ms * 1000;
  } catch {
    // Not a duration: named below with the others.
  }
  issues.push({ path: 'refill.every', message: `${wanted}, got ${show(value)}` });
  return 1;
}

function countFrom(value: unknown, path: string, issues: Issue[]): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 1e12) return value;
  issues.push({ path, message: `must be an integer from 1 to 1000000000000, got ${show(value)}` });
  return 1;
}

/** A policy's name stands in headers, metrics and keys, so that it holds nothing that one of them would have to escape. */
export function checkName(name: unknown, issues: Issue[]): void {
  if (typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) return;
  const message = `must be 1 to 64 letters, digits, ".", "_" or "-", the first a letter or digit, got ${show(name)}`;
  issues.push({ path: 'name', message });
}

export const refused = (issues: readonly Issue[], name?: unknown): ConfigurationError =>
  new ConfigurationError(`The policy${typeof name === 'string' ? ` ${show(name)}` : ''} is wrong:`, issues);

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value for a message, short. */
export function show(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' || value === undefined) return String(value);
  try {
    return (JSON.stringify(value) ?? typeof value).slice(0, 80);
  } catch {
    return typeof value;
  }
}
