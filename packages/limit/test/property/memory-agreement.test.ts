import { memoryLimitStore, type TokenBucketState, takeTokens } from '@spillway/limit';
import { createFakeClock } from '@spillway/limit/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { policies, runs, takes } from './arbitraries.ts';

const keys = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 60, maxLength: 60 });

test('G2: memory decides and counts like the pure step, for each key apart, while it drops what is full', () => {
  fc.assert(
    fc.property(
      policies.chain((policy) => fc.tuple(fc.constant(policy), takes(policy), keys)),
      ([policy, sequence, order]) => {
        const clock = createFakeClock();
        const store = memoryLimitStore({ clock, maxKeys: 6 });
        const states = new Map<string, TokenBucketState | undefined>();
        for (const [at, { afterUs, cost }] of sequence.entries()) {
          clock.advanceUs(afterUs);
          const key = `key-${order[at]}`;
          const expected = takeTokens(policy, states.get(key), clock.nowUs(), cost);
          expect(store.takeNow(key, [policy], cost)).toEqual([expected.verdict]);
          states.set(key, expected.state);
        }
      },
    ),
    runs(1000),
  );
});
