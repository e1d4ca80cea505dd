import { describe, expect, test } from 'vitest';
import { tokenBucket } from '../../core/parse-token-bucket.ts';
import { takeTokens } from '../../core/token-bucket.ts';
import { gcra } from './policy.ts';
import { gcraStrategy } from './step.ts';

const NOW = 1_763_000_000_000_000;
const SECOND = 1_000_000;

describe('GCRA', () => {
  test('strict lets one through each spacing, and no cost above one ever', () => {
    const policy = gcra({ name: 'p', limit: 10, every: '1m', burst: 'strict' });
    const first = gcraStrategy.take(policy, undefined, NOW, 1);
    expect(first.verdict).toMatchObject({ outcome: 'allowed', remaining: 0, refillAfterUs: 6 * SECOND });
    const tooSoon = gcraStrategy.take(policy, first.state, NOW + 6 * SECOND - 1, 1);
    expect(tooSoon.verdict).toMatchObject({ outcome: 'denied', retryAfterUs: 1 });
    expect(gcraStrategy.take(policy, first.state, NOW + 6 * SECOND, 1).verdict.outcome).toBe('allowed');
    expect(gcraStrategy.peek(policy, undefined, NOW, 2)).toMatchObject({ reason: 'cost-exceeds-capacity' });
  });

  test('a burst comes ahead of the spacing, and has to be earned again', () => {
    const policy = gcra({ name: 'p', limit: 1, every: '1s', burst: 3 });
    const { verdict, state } = gcraStrategy.take(policy, undefined, NOW, 4);
    expect(verdict).toMatchObject({ outcome: 'allowed', remaining: 0 });
    expect(gcraStrategy.peek(policy, state, NOW + SECOND, 1)).toMatchObject({ outcome: 'allowed', remaining: 1 });
    expect(gcraStrategy.peek(policy, state, NOW + SECOND, 2)).toMatchObject({ outcome: 'denied', remaining: 1 });
    expect(gcraStrategy.peek(policy, state, NOW + 4 * SECOND, 4)).toMatchObject({ outcome: 'allowed' });
  });

  test('is the bucket of the same rate, to the last fraction', () => {
    const policy = gcra({ name: 'p', limit: 7, every: '1s', burst: 2 });
    const bucket = tokenBucket({ name: 'p', capacity: 3, refill: { tokens: 7, every: '1s' } });
    expect(gcraStrategy.take(policy, undefined, NOW, 2)).toEqual(takeTokens(bucket, undefined, NOW, 2));
    expect(gcraStrategy.spanUs(policy)).toBe(bucket.rate.fullUs);
  });
});
