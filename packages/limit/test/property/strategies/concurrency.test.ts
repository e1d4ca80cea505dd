import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ConcurrencyPolicy, concurrency } from '../../../src/strategies/concurrency/policy.ts';
import {
  acquireSlots,
  type ConcurrencyState,
  concurrencyStrategy,
  releaseSlots,
  renewSlots,
} from '../../../src/strategies/concurrency/step.ts';
import { runs } from '../arbitraries.ts';
import { strategyProperties } from './strategy-properties.ts';
import { START_US, scenarios } from './walk.ts';

const policies: fc.Arbitrary<ConcurrencyPolicy> = fc
  .record({
    limit: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 10_000 })),
    lease: fc.constantFrom('1ms', '1s', '30s', '1h', '10000d'),
  })
  .map((options) => concurrency({ name: 'p', ...options }));

const spansOf = ({ leaseUs }: ConcurrencyPolicy): readonly number[] => [leaseUs, Math.ceil(leaseUs / 4)];

const acts = (policy: ConcurrencyPolicy) =>
  fc.array(
    fc.record({
      act: fc.constantFrom('acquire', 'acquire', 'renew', 'release'),
      id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      cost: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: policy.limit })),
      byUs: fc.oneof(
        fc.constant(0),
        fc.integer({ min: 0, max: policy.leaseUs }),
        fc.integer({ min: policy.leaseUs - 1, max: policy.leaseUs + 1 }),
        fc.integer({ min: -policy.leaseUs, max: 0 }),
      ),
    }),
    { minLength: 1, maxLength: 60 },
  );

describe('concurrency', () => {
  strategyProperties({
    strategy: concurrencyStrategy,
    forward: scenarios(policies, spansOf),
    backwards: scenarios(policies, spansOf, { clock: 'backwards' }),
  });

  test('G2: acquire, renew and release act like a list of leases, and never is more held than there are slots', () => {
    fc.assert(
      fc.property(
        policies.chain((policy) => fc.tuple(fc.constant(policy), acts(policy))),
        ([policy, sequence]) => {
          let leases = new Map<string, { untilUs: number; units: number }>();
          let state: ConcurrencyState | undefined;
          let nowUs = START_US;
          for (const { act, id, cost, byUs } of sequence) {
            nowUs += byUs;
            // Only what is written forgets: a lease that ended is not over for a clock that goes back.
            const live = new Map([...leases].filter(([, { untilUs }]) => untilUs > nowUs));
            const mine = live.get(id);
            const used = [...live.values()].reduce((sum, { units }) => sum + units, 0);
            const untilUs = Math.max(nowUs + policy.leaseUs, mine?.untilUs ?? 0);
            if (act === 'acquire') {
              const step = acquireSlots(policy, state, nowUs, cost, id);
              const allowed = mine !== undefined || used + cost <= policy.limit;
              expect(step.verdict.outcome).toBe(allowed ? 'allowed' : 'denied');
              if (allowed) leases = new Map([...live, [id, { untilUs, units: mine?.units ?? cost }]]);
              else expect(step.state).toBe(state);
              state = step.state;
            } else if (act === 'renew') {
              const renewal = renewSlots(policy, state, nowUs, id);
              expect(renewal.outcome).toBe(mine === undefined ? 'lost' : 'renewed');
              if (mine === undefined) expect(renewal.state).toBe(state);
              else leases = new Map([...live, [id, { untilUs, units: mine.units }]]);
              state = renewal.state;
            } else {
              const after = releaseSlots(state, nowUs, id);
              if (mine === undefined) expect(after).toBe(state);
              if (mine !== undefined) leases = new Map([...live].filter(([holder]) => holder !== id));
              state = after;
            }
            const held = [...leases.values()].reduce(
              (sum, { untilUs: t, units }) => (t > nowUs ? sum + units : sum),
              0,
            );
            expect(held).toBeLessThanOrEqual(policy.limit);
            expect(concurrencyStrategy.peek(policy, state, nowUs, 1).remaining).toBe(policy.limit - held);
            const order = state?.holders.map((holder) => holder.untilUs) ?? [];
            expect(order).toEqual(order.toSorted((a, b) => a - b));
          }
        },
      ),
      runs(500),
    );
  });
});
