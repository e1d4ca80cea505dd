import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type SlidingLogPolicy, slidingLog } from '../../../src/strategies/sliding-log/policy.ts';
import { slidingLogStrategy } from '../../../src/strategies/sliding-log/step.ts';
import { runs } from '../arbitraries.ts';
import { strategyProperties } from './strategy-properties.ts';
import { type Admission, scenarios, unitsSince, walk } from './walk.ts';

const policies: fc.Arbitrary<SlidingLogPolicy> = fc
  .record({
    limit: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 10_000 })),
    window: fc.constantFrom('1ms', '7ms', '1s', '1m', '1h', '30d', '10000d'),
  })
  .map((options) => slidingLog({ name: 'p', ...options }));

const spansOf = ({ windowUs }: SlidingLogPolicy): readonly number[] => [windowUs, Math.ceil(windowUs / 7)];
const forward = scenarios(policies, spansOf);
const backwards = scenarios(policies, spansOf, { clock: 'backwards' });

describe('the sliding log', () => {
  strategyProperties({
    strategy: slidingLogStrategy,
    forward,
    backwards,
    bound:
      ({ limit, windowUs }) =>
      (us) =>
        us < windowUs ? limit : Number.POSITIVE_INFINITY,
  });

  test('G2: admits exactly what a list of all takes does', () => {
    fc.assert(
      fc.property(backwards, (scenario) => {
        const { limit, windowUs } = scenario.policy;
        const list: Admission[] = [];
        for (const { nowUs, cost, step } of walk(slidingLogStrategy, scenario)) {
          const atUs = Math.max(nowUs, list.at(-1)?.atUs ?? 0);
          const fits = unitsSince(list, atUs - windowUs + 1) + cost <= limit;
          expect(step.verdict.outcome).toBe(fits ? 'allowed' : 'denied');
          if (fits) list.push({ atUs, cost });
        }
      }),
      runs(1000),
    );
  });

  test('G7: never keeps more entries than the limit', () => {
    fc.assert(
      fc.property(backwards, (scenario) => {
        for (const { step } of walk(slidingLogStrategy, scenario)) {
          expect(step.state?.entries.length ?? 0).toBeLessThanOrEqual(scenario.policy.limit);
        }
      }),
      runs(300),
    );
  });
});
