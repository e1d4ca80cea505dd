import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type GcraPolicy, gcra } from '../../../src/strategies/gcra/policy.ts';
import { gcraStrategy } from '../../../src/strategies/gcra/step.ts';
import { runs } from '../arbitraries.ts';
import { levelBucket } from '../level-bucket.ts';
import { strategyProperties } from './strategy-properties.ts';
import { admitted, rateBound, type Scenario, scenarios, walk } from './walk.ts';

const policies: fc.Arbitrary<GcraPolicy> = fc
  .record({
    limit: fc.integer({ min: 1, max: 1000 }),
    every: fc.constantFrom('7ms', '1s', '1.001s', '1m', '1h', '30d'),
    burst: fc.option(fc.oneof(fc.constant('strict' as const), fc.integer({ min: 0, max: 50 })), { nil: undefined }),
  })
  .map(({ burst, ...options }) => gcra({ name: 'p', ...options, ...(burst === undefined ? {} : { burst }) }));

const spansOf = ({ bucket }: GcraPolicy): readonly number[] => [bucket.rate.tokenUs, bucket.rate.fullUs];
const forward = scenarios(policies, spansOf);
const backwards = scenarios(policies, spansOf, { clock: 'backwards' });

describe('GCRA', () => {
  strategyProperties({
    strategy: gcraStrategy,
    forward,
    backwards,
    bound: ({ capacity, bucket }) => rateBound(capacity, bucket.rate),
  });

  test('decides and counts like the textbook bucket in rational numbers, take by take', () => {
    fc.assert(
      fc.property(forward, (scenario) => {
        const reference = levelBucket(scenario.policy.bucket);
        for (const { nowUs, cost, step } of walk(gcraStrategy, scenario)) {
          const { outcome, remaining } = step.verdict;
          expect({ allowed: outcome === 'allowed', remaining }).toEqual(reference.take(nowUs, cost));
        }
      }),
      runs(500),
    );
  });

  test('strict: two are never closer than the spacing', () => {
    const strict = policies.map(({ limit, every }) => gcra({ name: 'p', limit, every, burst: 'strict' }));
    fc.assert(
      fc.property(scenarios(strict, spansOf), (scenario: Scenario<GcraPolicy>) => {
        const list = admitted(walk(gcraStrategy, scenario));
        for (const [at, { atUs, cost }] of list.entries()) {
          expect(cost).toBe(1);
          const gapUs = atUs - (list[at - 1]?.atUs ?? Number.NEGATIVE_INFINITY);
          expect(gapUs).toBeGreaterThanOrEqual(scenario.policy.bucket.rate.tokenUs);
        }
      }),
      runs(300),
    );
  });
});
