import { memoryLimitStore, type TokenBucketState, takeTokens } from '@spillway/limit';
import { createFakeClock } from '@spillway/limit/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { walkStore } from '../../src/testing/walk-store.ts';
import { ALL_STRATEGIES, randomPolicy } from '../../src/testing/walked-policies.ts';
import { policies, randomOf, runs, takes } from './arbitraries.ts';

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
          expect(store.takeNow(key, [policy], cost).verdicts).toEqual([expected.verdict]);
          states.set(key, expected.state);
        }
      },
    ),
    runs(1000),
  );
});

test.each(ALL_STRATEGIES)(
  'G2: memory agrees with the pure steps, operation by operation, on any policies: %s',
  async (strategy) => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const random = randomOf(seed);
        const clock = createFakeClock();
        const others = ALL_STRATEGIES.map((each) => randomPolicy(each, each, random));
        let mixed = [randomPolicy(strategy, 'p', random)];
        const policiesOf = (step: number) => {
          if (step % 40 === 0) mixed = [randomPolicy(strategy, 'p', random), ...others.filter(() => random() < 0.2)];
          return mixed;
        };
        // Room for all ids and blocks of a walk: those that are forgotten are charged anew.
        const store = memoryLimitStore({ clock, maxKeys: 300 });
        await walkStore({ store, clock, random, steps: 120, policiesOf, title: `seed ${seed}` });
      }),
      runs(100),
    );
  },
);
