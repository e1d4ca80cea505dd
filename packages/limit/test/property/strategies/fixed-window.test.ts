import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FixedWindowPolicy, fixedWindow } from '../../../src/strategies/fixed-window/policy.ts';
import { fixedWindowStrategy } from '../../../src/strategies/fixed-window/step.ts';
import { runs } from '../arbitraries.ts';
import { strategyProperties } from './strategy-properties.ts';
import { type Admission, scenarios, unitsSince, walk } from './walk.ts';

const policies: fc.Arbitrary<FixedWindowPolicy> = fc
  .record({
    limit: fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 1e12 })),
    window: fc.constantFrom('1ms', '7ms', '1s', '1.001s', '1m', '1h', '30d', '10000d'),
    align: fc.constantFrom('clock', 'first-hit'),
  })
  .map((options) => fixedWindow({ name: 'p', ...options }));

const spansOf = ({ windowUs }: FixedWindowPolicy): readonly number[] => [windowUs, Math.ceil(windowUs / 5)];
const forward = scenarios(policies, spansOf);
const backwards = scenarios(policies, spansOf, { clock: 'backwards' });

describe('the fixed window', () => {
  strategyProperties({
    strategy: fixedWindowStrategy,
    forward,
    backwards,
    bound:
      ({ limit, windowUs }) =>
      (us) =>
        limit * (Math.ceil(us / windowUs) + 1),
  });

  test('G2: decides like a log of all takes, counted by windows', () => {
    fc.assert(
      fc.property(backwards, (scenario) => {
        const { policy } = scenario;
        const list: Admission[] = [];
        for (const { nowUs, cost, step } of walk(fixedWindowStrategy, scenario)) {
          const atUs = Math.max(nowUs, list.at(-1)?.atUs ?? 0);
          const used = unitsSince(list, windowStart(policy, list, atUs));
          expect(step.verdict.outcome).toBe(used + cost <= policy.limit ? 'allowed' : 'denied');
          if (used + cost <= policy.limit) list.push({ atUs, cost });
        }
      }),
      runs(500),
    );
  });
});

function windowStart({ align, windowUs }: FixedWindowPolicy, list: readonly Admission[], atUs: number): number {
  if (align === 'clock') return Math.floor(atUs / windowUs) * windowUs;
  let startUs = Number.NEGATIVE_INFINITY;
  for (const admission of list) if (admission.atUs >= startUs + windowUs) startUs = admission.atUs;
  return atUs >= startUs + windowUs ? atUs : startUs;
}
