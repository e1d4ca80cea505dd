import { memoryLimitStore, type Policy, type TokenBucketPolicy } from '@spillway/limit';
import { createFakeClock } from '@spillway/limit/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomPolicy } from '../../src/testing/walked-policies.ts';
import { policies, randomOf, runs, takes } from './arbitraries.ts';

const kinds = fc.oneof(
  policies,
  fc.integer().map((seed) => randomPolicy('gcra', 'p', randomOf(seed))),
);

describe('G2: a refund that knows when its units were taken', () => {
  test('never lets more through than if only those that were spent had been charged', () => {
    const plan = fc.array(
      fc.record({ back: fc.integer({ min: 0, max: 6 }), afterTakes: fc.integer({ min: 0, max: 8 }) }),
      { minLength: 60, maxLength: 60 },
    );
    fc.assert(
      fc.property(
        kinds.chain((policy) => fc.tuple(fc.constant(policy), takes(bucketOf(policy)), plan)),
        ([policy, sequence, backs]) => {
          const clock = createFakeClock();
          const refunded = memoryLimitStore({ clock });
          const spentOnly = memoryLimitStore({ clock });
          const due: { readonly at: number; readonly cost: number; readonly takenAtUs: number }[] = [];
          for (const [at, { afterUs, cost }] of sequence.entries()) {
            clock.advanceUs(afterUs);
            for (const back of due.filter((each) => each.at === at)) {
              void refunded.refund('key', [policy], back);
            }
            const { verdicts, atUs } = refunded.takeNow('key', [policy], cost);
            if (verdicts[0]?.outcome !== 'allowed') continue;
            const back = Math.min(backs[at]?.back ?? 0, cost);
            if (back > 0) due.push({ at: at + 1 + (backs[at]?.afterTakes ?? 0), cost: back, takenAtUs: atUs });
            // What is spent of it has to fit into a bucket that never heard of the rest.
            if (cost > back)
              expect(spentOnly.takeNow('key', [policy], cost - back).verdicts[0]?.outcome).toBe('allowed');
          }
        },
      ),
      runs(3000),
    );
  });
});

const bucketOf = (policy: Policy): TokenBucketPolicy =>
  policy.strategy === 'gcra' ? policy.bucket : (policy as TokenBucketPolicy);
