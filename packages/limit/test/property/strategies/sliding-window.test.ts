import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type SlidingWindowPolicy, slidingWindow } from '../../../src/strategies/sliding-window/policy.ts';
import { type SlidingWindowState, slidingWindowStrategy } from '../../../src/strategies/sliding-window/step.ts';
import { runs } from '../arbitraries.ts';
import { strategyProperties } from './strategy-properties.ts';
import { type Admission, START_US, scenarios, unitsSince, walk } from './walk.ts';

const windows = {
  '1ms': 1000,
  '7ms': 7000,
  '1s': 1e6,
  '1.001s': 1_001_000,
  '1m': 60e6,
  '1h': 3600e6,
  '30d': 2_592_000e6,
};

const policies: fc.Arbitrary<SlidingWindowPolicy> = fc
  .record({
    limit: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1e12 })),
    window: fc.constantFrom(...(Object.keys(windows) as (keyof typeof windows)[])),
    subWindows: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constant(60), fc.constant(100)),
  })
  .map((options) => slidingWindow({ name: 'p', ...options }));

const windowUsOf = ({ window }: SlidingWindowPolicy): number => windows[window as keyof typeof windows];
const spansOf = (policy: SlidingWindowPolicy): readonly number[] => [
  policy.subUs,
  windowUsOf(policy),
  policy.subUs * (policy.subWindows + 1),
];
const forward = scenarios(policies, spansOf);
const backwards = scenarios(policies, spansOf, { clock: 'backwards' });

describe('the sliding window', () => {
  strategyProperties({
    strategy: slidingWindowStrategy,
    forward,
    backwards,
    // Over no interval as long as the window more than the limit: never one too many.
    bound: (policy) => (us) => (us < windowUsOf(policy) ? policy.limit : Number.POSITIVE_INFINITY),
    numRuns: 500,
  });

  test('refuses only what would exceed the limit over a window that is one sub-window longer', () => {
    fc.assert(
      fc.property(backwards, (scenario) => {
        const { policy } = scenario;
        const longUs = policy.subUs * (policy.subWindows + 1);
        const list: Admission[] = [];
        for (const { nowUs, cost, step } of walk(slidingWindowStrategy, scenario)) {
          const atUs = Math.max(nowUs, list.at(-1)?.atUs ?? 0);
          if (step.verdict.outcome === 'allowed') list.push({ atUs, cost });
          else expect(unitsSince(list, atUs - longUs + 1) + cost).toBeGreaterThan(policy.limit);
        }
      }),
      runs(1000),
    );
  });

  test('gives a key that is always busy the whole limit in n + 1 sub-windows, short by less than limit / n per window', () => {
    const small = policies.filter(({ limit, subWindows }) => limit <= 20 && subWindows <= 12);
    fc.assert(
      fc.property(small, fc.integer({ min: 0, max: 1_000_000 }), (policy, offsetUs) => {
        const { limit, subUs, subWindows } = policy;
        const startUs = START_US + offsetUs;
        const untilUs = startUs + 5 * (subWindows + 1) * subUs;
        let state: SlidingWindowState | undefined;
        let nowUs = startUs;
        let count = 0;
        while (nowUs < untilUs) {
          const step = slidingWindowStrategy.take(policy, state, nowUs, 1);
          state = step.state;
          if (step.verdict.outcome === 'allowed') count += 1;
          else if (step.verdict.reason === 'exhausted') nowUs += step.verdict.retryAfterUs;
        }
        expect(count).toBeGreaterThanOrEqual(5 * limit);
      }),
      runs(200),
    );
  });

  test('keeps at most n + 1 counters, none of them at an end empty', () => {
    fc.assert(
      fc.property(backwards, (scenario) => {
        for (const { step } of walk(slidingWindowStrategy, scenario)) {
          const counts = step.state?.counts ?? [1];
          expect(counts.length).toBeLessThanOrEqual(scenario.policy.subWindows + 1);
          expect([counts[0], counts.at(-1)]).not.toContain(0);
        }
      }),
      runs(300),
    );
  });
});
