import { peekTokens, sharePolicy, type TokenBucketPolicy, type TokenBucketState, takeTokens } from '@spillway/limit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { policies, runs, takes } from './arbitraries.ts';
import { levelBucket } from './level-bucket.ts';

const START_US = 1_763_000_000_000_000;
const scenario = policies.chain((policy) => fc.tuple(fc.constant(policy), takes(policy)));

describe('the token bucket step', () => {
  test('decides and counts like the textbook bucket in rational numbers, take by take', () => {
    fc.assert(
      fc.property(scenario, ([policy, sequence]) => {
        const reference = levelBucket(policy);
        let state: TokenBucketState | undefined;
        let nowUs = START_US;
        for (const { afterUs, cost } of sequence) {
          nowUs += afterUs;
          const step = takeTokens(policy, state, nowUs, cost);
          const expected = reference.take(nowUs, cost);
          expect({ allowed: step.verdict.outcome === 'allowed', remaining: step.verdict.remaining }).toEqual(expected);
          state = step.state;
        }
      }),
      runs(3000),
    );
  });

  test('G2: grants over any interval at most the capacity and what the interval refills', () => {
    fc.assert(
      fc.property(scenario, ([policy, sequence]) => {
        const granted: { atUs: number; cost: number }[] = [];
        let state: TokenBucketState | undefined;
        let nowUs = START_US;
        for (const { afterUs, cost } of sequence) {
          nowUs += afterUs;
          const step = takeTokens(policy, state, nowUs, cost);
          if (step.verdict.outcome === 'allowed') granted.push({ atUs: nowUs, cost });
          state = step.state;
        }
        const { tokens, everyUs } = policy.rate;
        for (const [from, first] of granted.entries()) {
          let sum = 0n;
          for (const { atUs, cost } of granted.slice(from)) {
            sum += BigInt(cost);
            const bound = BigInt(policy.capacity) * BigInt(everyUs) + BigInt(atUs - first.atUs) * BigInt(tokens);
            expect(sum * BigInt(everyUs) <= bound).toBe(true);
          }
        }
      }),
      runs(500),
    );
  });

  test('G2: a refusal costs nothing: it returns the state it was given', () => {
    fc.assert(
      fc.property(scenario, ([policy, sequence]) => {
        let state: TokenBucketState | undefined;
        let nowUs = START_US;
        for (const { afterUs, cost } of sequence) {
          nowUs += afterUs;
          const step = takeTokens(policy, state, nowUs, cost);
          if (step.verdict.outcome === 'denied') expect(step.state).toBe(state);
          else expect(step.state).not.toBe(state);
          state = step.state;
        }
      }),
      runs(500),
    );
  });

  test('waiting exactly as long as it says is enough, and a microsecond less is not', () => {
    fc.assert(
      fc.property(scenario, ([policy, sequence]) => {
        let state: TokenBucketState | undefined;
        let nowUs = START_US;
        for (const { afterUs, cost } of sequence) {
          nowUs += afterUs;
          const { verdict, state: next } = takeTokens(policy, state, nowUs, cost);
          if (verdict.outcome === 'denied' && verdict.reason === 'exhausted') {
            expect(takeTokens(policy, state, nowUs + verdict.retryAfterUs, cost).verdict.outcome).toBe('allowed');
            expect(takeTokens(policy, state, nowUs + verdict.retryAfterUs - 1, cost).verdict.outcome).toBe('denied');
          }
          state = next;
          const { remaining, refillAfterUs, resetAfterUs } = verdict;
          const later = (us: number) => peekTokens(policy, state, nowUs + us, 1).remaining;
          expect(later(0)).toBe(remaining);
          expect(later(resetAfterUs)).toBe(policy.capacity);
          if (remaining < policy.capacity) {
            expect(later(refillAfterUs)).toBeGreaterThan(remaining);
            expect(later(refillAfterUs - 1)).toBe(remaining);
          }
        }
      }),
      runs(500),
    );
  });

  test('what remains fits, and one more does not', () => {
    fc.assert(
      fc.property(scenario, ([policy, sequence]) => {
        let state: TokenBucketState | undefined;
        let nowUs = START_US;
        for (const { afterUs, cost } of sequence) {
          nowUs += afterUs;
          const { verdict, state: next } = takeTokens(policy, state, nowUs, cost);
          state = next;
          const { remaining } = verdict;
          if (remaining > 0) expect(peekTokens(policy, state, nowUs, remaining).outcome).toBe('allowed');
          expect(peekTokens(policy, state, nowUs, remaining + 1).outcome).toBe('denied');
        }
      }),
      runs(500),
    );
  });

  test('G3: the shares of all instances never grant more together than the policy, once it has a token for each', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 60 }), (policy, instances) => {
        fc.pre(policy.capacity >= instances);
        const share = sharePolicy(policy, instances) as TokenBucketPolicy;
        expect(share.capacity * instances).toBeLessThanOrEqual(policy.capacity);
        expect(share.capacity).toBeGreaterThanOrEqual(1);
        // The rate, exactly: instances x share rate <= policy rate.
        const shares = BigInt(instances) * BigInt(share.rate.tokens) * BigInt(policy.rate.everyUs);
        expect(shares <= BigInt(policy.rate.tokens) * BigInt(share.rate.everyUs)).toBe(true);
      }),
      runs(500),
    );
  });
});
