import { describe, expect, test } from 'vitest';
import { tokenBucket } from './parse-token-bucket.ts';
import { isFull, peekTokens, type TokenBucketState, takeTokens } from './token-bucket.ts';

const tenAMinute = tokenBucket({ name: 'free', capacity: 10, refill: { tokens: 10, every: '1m' } });
const NOW = 1_763_000_000_000_000;
const SECOND = 1_000_000;

function drain(policy: typeof tenAMinute, cost: number, state?: TokenBucketState): TokenBucketState | undefined {
  return takeTokens(policy, state, NOW, cost).state;
}

describe('a token bucket', () => {
  test('grants its capacity at once and then one token per refill', () => {
    const empty = drain(tenAMinute, 10);
    expect(takeTokens(tenAMinute, empty, NOW, 1).verdict).toEqual({
      outcome: 'denied',
      reason: 'exhausted',
      retryAfterUs: 6 * SECOND,
      remaining: 0,
      refillAfterUs: 6 * SECOND,
      resetAfterUs: 60 * SECOND,
    });
    expect(takeTokens(tenAMinute, empty, NOW + 6 * SECOND, 1).verdict.outcome).toBe('allowed');
    expect(takeTokens(tenAMinute, empty, NOW + 6 * SECOND - 1, 1).verdict.outcome).toBe('denied');
  });

  test('is never fuller than full', () => {
    const state = drain(tenAMinute, 1);
    expect(takeTokens(tenAMinute, state, NOW + 3600 * SECOND, 10).verdict).toMatchObject({
      outcome: 'allowed',
      remaining: 0,
    });
    expect(takeTokens(tenAMinute, state, NOW + 3600 * SECOND, 11).verdict.outcome).toBe('denied');
  });

  test('says of a cost above its capacity that it will never fit, and not when to come back', () => {
    expect(takeTokens(tenAMinute, undefined, NOW, 11)).toEqual({
      verdict: { outcome: 'denied', reason: 'cost-exceeds-capacity', remaining: 10, refillAfterUs: 0, resetAfterUs: 0 },
      state: undefined,
    });
    expect(takeTokens(tenAMinute, undefined, NOW, Number.MAX_SAFE_INTEGER).verdict.outcome).toBe('denied');
  });

  test('a client that keeps knocking recovers as if it had waited', () => {
    let state = drain(tenAMinute, 10);
    for (let at = 0; at < 6 * SECOND; at += 1000) state = takeTokens(tenAMinute, state, NOW + at, 1).state;
    expect(takeTokens(tenAMinute, state, NOW + 6 * SECOND, 1).verdict.outcome).toBe('allowed');
  });

  test('peeking shows what is there and takes nothing', () => {
    const state = drain(tenAMinute, 4);
    expect(peekTokens(tenAMinute, state, NOW, 6)).toMatchObject({ outcome: 'allowed', remaining: 6 });
    expect(peekTokens(tenAMinute, state, NOW, 7)).toMatchObject({ outcome: 'denied', remaining: 6 });
  });

  test('an expired state and a stale one decide alike', () => {
    const stale = drain(tenAMinute, 10);
    const later = NOW + 61 * SECOND;
    expect(takeTokens(tenAMinute, stale, later, 3)).toEqual(takeTokens(tenAMinute, undefined, later, 3));
    expect(isFull(stale as TokenBucketState, later)).toBe(true);
  });

  test('loses nothing over a million takes at a rate that is no whole number of microseconds', () => {
    const policy = tokenBucket({ name: 'thirds', capacity: 1, refill: { tokens: 3, every: '1s' } });
    let state: TokenBucketState | undefined;
    let nowUs = NOW;
    let denied = 0;
    for (let taken = 0; taken < 1_000_000; taken += 1) {
      const { verdict, state: next } = takeTokens(policy, state, nowUs, 1);
      if (verdict.outcome === 'denied') denied += 1;
      state = next;
      nowUs += verdict.refillAfterUs;
    }
    expect(denied).toBe(0);
    // A third of a second each; every wait was rounded up by less than a microsecond.
    expect(nowUs - NOW).toBeGreaterThanOrEqual(333_333_333_333);
    expect(nowUs - NOW).toBeLessThanOrEqual(333_333_333_333 + 1_000_000);
  });

  test('limits over windows of more than 24.8 days', () => {
    const policy = tokenBucket({ name: 'yearly', capacity: 2, refill: { tokens: 2, every: '365d' } });
    const state = drain(policy, 2);
    const halfYear = 182.5 * 86_400 * SECOND;
    expect(takeTokens(policy, state, NOW + halfYear - 1, 1).verdict.outcome).toBe('denied');
    expect(takeTokens(policy, state, NOW + halfYear, 1).verdict.outcome).toBe('allowed');
  });

  test('notices a raised limit at once, and a lowered one counts what was taken', () => {
    const state = drain(tenAMinute, 10);
    const raised = tokenBucket({ name: 'free', capacity: 20, refill: { tokens: 20, every: '1m' } });
    expect(peekTokens(raised, state, NOW, 1)).toMatchObject({ outcome: 'denied' });
    expect(peekTokens(raised, state, NOW + 3 * SECOND, 1)).toMatchObject({ outcome: 'allowed', remaining: 1 });
    const larger = tokenBucket({ name: 'free', capacity: 15, refill: { tokens: 10, every: '1m' } });
    expect(peekTokens(larger, state, NOW, 5)).toMatchObject({ outcome: 'allowed', remaining: 5 });
    const lowered = tokenBucket({ name: 'free', capacity: 5, refill: { tokens: 10, every: '1m' } });
    expect(peekTokens(lowered, state, NOW, 1)).toMatchObject({ remaining: 0, retryAfterUs: 36 * SECOND });
  });

  test('a fraction that was written under another rate is rounded up, never down', () => {
    const sevenths = tokenBucket({ name: 'x', capacity: 7, refill: { tokens: 7, every: '1s' } });
    const state = takeTokens(sevenths, undefined, NOW, 1).state;
    expect(state?.fraction).toBeGreaterThan(0);
    const whole = tokenBucket({ name: 'x', capacity: 7, refill: { tokens: 1, every: '1s' } });
    expect(peekTokens(whole, state, NOW, 1).resetAfterUs).toBe((state?.fullAtUs ?? 0) - NOW + 1);
  });
});
