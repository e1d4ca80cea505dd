import { describe, expect, test } from 'vitest';
import { tokenBucket } from '../../core/parse-token-bucket.ts';
import { tokenBucketStrategy } from './step.ts';

const NOW = 1_763_000_000_000_000;
const policy = tokenBucket({ name: 'p', capacity: 7, refill: { tokens: 7, every: '1s' } });
const { take, refund, expiresAtUs } = tokenBucketStrategy;

describe('a refund to a token bucket', () => {
  test('gives back exactly what a take of as much would have cost, fractions of a microsecond included', () => {
    const one = take(policy, undefined, NOW, 1).state;
    const three = take(policy, one, NOW, 2).state;
    expect(refund(policy, three, NOW, 2)).toEqual(one);
    expect(refund(policy, one, NOW, 1)).toBeUndefined();
  });

  test('never fills it above its capacity', () => {
    const { state } = take(policy, undefined, NOW, 3);
    expect(refund(policy, state, NOW, 4)).toBeUndefined();
    expect(refund(policy, state, NOW, Number.MAX_SAFE_INTEGER)).toBeUndefined();
  });

  test('of a fraction that was written under another rate is rounded against the taker', () => {
    const { state } = take(policy, undefined, NOW, 3);
    const whole = tokenBucket({ name: 'p', capacity: 7, refill: { tokens: 1, every: '100ms' } });
    expect(state?.fraction).toBeGreaterThan(0);
    expect(refund(whole, state, NOW, 1)).toEqual({ fullAtUs: (state?.fullAtUs ?? 0) + 1 - 100_000, fraction: 0 });
  });

  test('a bucket is garbage from the first whole microsecond on at which it is full', () => {
    const state = take(policy, undefined, NOW, 1).state ?? { fullAtUs: 0, fraction: 0 };
    expect(expiresAtUs(policy, state)).toBe(NOW + 142_858);
    expect(expiresAtUs(policy, { fullAtUs: NOW, fraction: 0 })).toBe(NOW);
  });
});
