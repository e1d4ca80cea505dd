import { describe, expect, test } from 'vitest';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import type { TokenBucketPolicy } from '../core/policy.ts';
import { peekTokens, takeTokens } from '../core/token-bucket.ts';
import { sharePolicy } from './share-policy.ts';

const policy = tokenBucket({ name: 'p', capacity: 100, refill: { tokens: 60, every: '1m' } });

const share = (of: TokenBucketPolicy, instances: number) => sharePolicy(of, instances) as TokenBucketPolicy;

describe('G3: a share of a policy', () => {
  test('is capacity and rate divided by the instances', () => {
    const third = share(policy, 3);
    expect(third).toMatchObject({ name: 'p', capacity: 33 });
    expect(third.rate.tokenUs).toBe(3_000_000);
    expect(sharePolicy(policy, 1)).toBe(policy);
  });

  test('is never less than one at a time, even of a policy smaller than the fleet', () => {
    const small = tokenBucket({ name: 's', capacity: 2, refill: { tokens: 2, every: '1s' } });
    expect(sharePolicy(small, 10)).toMatchObject({ capacity: 1 });
    expect(takeTokens(share(small, 10), undefined, 0, 1).verdict.outcome).toBe('allowed');
  });

  test('keeps the meaning of a state when instances come and go', () => {
    const state = takeTokens(policy, undefined, 0, 50).state;
    expect(peekTokens(policy, state, 0, 1).remaining).toBe(50);
    expect(peekTokens(share(policy, 2), state, 0, 1).remaining).toBe(25);
    expect(peekTokens(share(policy, 5), state, 0, 1).remaining).toBe(10);
  });

  test('counts for any policy that can be counted, and for numbers of instances that make no sense', () => {
    const yearly = tokenBucket({ name: 'y', capacity: 30, refill: { tokens: 1, every: '365d' } });
    for (const instances of [0, -1, 0.5, Number.NaN, 2, 100, 5000]) {
      expect(sharePolicy(yearly, instances).capacity).toBeGreaterThanOrEqual(1);
    }
  });
});
