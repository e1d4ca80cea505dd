/** What every strategy must keep, as properties over random walks: `strategyProperties({ ... })` in its test file. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Strategy } from '../../../src/strategies/strategy.ts';
import { runs } from '../arbitraries.ts';
import { type Admission, admitted, intervalOver, LATEST_US, type Scenario, type Taking, walk } from './walk.ts';

export interface StrategyPropertiesOptions<Policy extends { readonly capacity: number }, State> {
  readonly strategy: Strategy<Policy, State>;
  readonly forward: fc.Arbitrary<Scenario<Policy>>;
  readonly backwards: fc.Arbitrary<Scenario<Policy>>;
  /** How much may be admitted over an interval of so many microseconds. */
  readonly bound?: (policy: Policy) => (us: number) => number;
  readonly numRuns?: number;
}

export function strategyProperties<Policy extends { readonly capacity: number }, State>({
  strategy,
  forward,
  backwards,
  bound = () => () => Number.POSITIVE_INFINITY,
  numRuns = 300,
}: StrategyPropertiesOptions<Policy, State>): void {
  const forEachTake = (
    scenarios: fc.Arbitrary<Scenario<Policy>>,
    check: (policy: Policy, taking: Taking<State>) => void,
  ): void => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        for (const taking of walk(strategy, scenario)) check(scenario.policy, taking);
      }),
      runs(numRuns),
    );
  };
  const peekAt = (policy: Policy, state: State | undefined, nowUs: number, cost = 1) =>
    strategy.peek(policy, state, nowUs, cost);
  const decides = (policy: Policy, state: State | undefined, nowUs: number) =>
    [1, 2, policy.capacity, policy.capacity + 1].map((cost) => peekAt(policy, state, nowUs, cost));

  describe('as every strategy', () => {
    test('G2: a refusal costs nothing: it returns the state it was given', () => {
      forEachTake(backwards, (_, { before, step }) => {
        if (step.verdict.outcome === 'denied') expect(step.state).toBe(before);
        else expect(step.state).not.toEqual(before);
      });
    });

    test('G2: admits over no interval more than its bound, not even on a clock that goes back', () => {
      fc.assert(
        fc.property(backwards, (scenario) => {
          expect(intervalOver(admitted(walk(strategy, scenario)), bound(scenario.policy))).toBeUndefined();
        }),
        runs(numRuns * 2),
      );
    });

    test('G2: over any interval, what was admitted less what was refunded in it keeps to the bound', () => {
      const refunds = fc.array(fc.option(fc.integer({ min: 1, max: 8 })), { minLength: 40, maxLength: 40 });
      fc.assert(
        fc.property(forward, refunds, ({ policy, startUs, takes }, refundsAfter) => {
          const list: Admission[] = [];
          let state: State | undefined;
          let nowUs = startUs;
          for (const [at, { byUs, cost }] of takes.entries()) {
            nowUs = Math.min(LATEST_US, nowUs + byUs);
            const id = `take-${at}`;
            const step = strategy.take(policy, state, nowUs, cost, id);
            state = step.state;
            if (step.verdict.outcome === 'allowed') list.push({ atUs: nowUs, cost });
            const back = refundsAfter[at] ?? 0;
            if (back === 0) continue;
            const before = peekAt(policy, state, nowUs).remaining;
            state = strategy.refund(policy, state, nowUs, back, { id });
            list.push({ atUs: nowUs, cost: before - peekAt(policy, state, nowUs).remaining });
          }
          expect(intervalOver(list, bound(policy))).toBeUndefined();
        }),
        runs(numRuns * 2),
      );
    });

    test('decides by its arguments alone', () => {
      forEachTake(backwards, (policy, { before, nowUs, cost, id, step }) => {
        expect(strategy.take({ ...policy }, structuredClone(before), nowUs, cost, id)).toEqual(step);
      });
    });

    test('peek foresees the take', () => {
      forEachTake(backwards, (policy, { before, nowUs, cost, step: { verdict } }) => {
        const foreseen = peekAt(policy, before, nowUs, cost);
        if (verdict.outcome === 'denied') expect(foreseen).toEqual(verdict);
        else expect(foreseen).toMatchObject({ outcome: 'allowed', remaining: verdict.remaining + cost });
      });
    });

    test('what remains fits, and one more does not', () => {
      forEachTake(backwards, (policy, { nowUs, step: { verdict, state } }) => {
        const { remaining } = verdict;
        if (remaining > 0) expect(peekAt(policy, state, nowUs, remaining).outcome).toBe('allowed');
        expect(peekAt(policy, state, nowUs, remaining + 1).outcome).toBe('denied');
      });
    });

    test('waiting exactly as long as it says is enough, and a microsecond less is not', () => {
      forEachTake(backwards, (policy, { before, nowUs, cost, id, step: { verdict } }) => {
        if (verdict.outcome === 'allowed') return;
        expect(verdict.reason).toBe(cost > policy.capacity ? 'cost-exceeds-capacity' : 'exhausted');
        if (verdict.reason !== 'exhausted') return;
        const waiting = (us: number) => strategy.take(policy, before, nowUs + us, cost, id).verdict.outcome;
        expect(waiting(verdict.retryAfterUs)).toBe('allowed');
        expect(waiting(verdict.retryAfterUs - 1)).toBe('denied');
      });
    });

    test('says exactly when there is one more, and when nothing is missing', () => {
      forEachTake(backwards, (policy, { nowUs, step: { verdict, state } }) => {
        const { remaining, refillAfterUs, resetAfterUs } = verdict;
        const later = (us: number) => peekAt(policy, state, nowUs + us).remaining;
        expect(later(0)).toBe(remaining);
        expect(later(resetAfterUs)).toBe(policy.capacity);
        if (remaining === policy.capacity) {
          expect([refillAfterUs, resetAfterUs]).toEqual([0, 0]);
          return;
        }
        expect(later(resetAfterUs - 1)).toBeLessThan(policy.capacity);
        expect(later(refillAfterUs)).toBeGreaterThan(remaining);
        expect(later(refillAfterUs - 1)).toBe(remaining);
      });
    });

    test('a refund undoes a take, now and for later', () => {
      forEachTake(forward, (policy, { before, nowUs, cost, id, step: { verdict, state } }) => {
        if (verdict.outcome === 'denied') return;
        for (const taken of [{ id, atUs: nowUs }, { id }]) {
          const restored = strategy.refund(policy, state, nowUs, cost, taken);
          for (const us of [0, 1, verdict.refillAfterUs, verdict.resetAfterUs, verdict.resetAfterUs * 2]) {
            expect(decides(policy, restored, nowUs + us)).toEqual(decides(policy, before, nowUs + us));
          }
        }
      });
    });

    test('a refund gives back no more than it says, never above full, and nothing to one who has everything', () => {
      const { MAX_SAFE_INTEGER } = Number;
      forEachTake(backwards, (policy, { nowUs, cost, id, step: { verdict, state } }) => {
        const { remaining } = peekAt(policy, state, nowUs);
        const after = strategy.refund(policy, state, nowUs, cost, { id });
        // The slots of one id come back together; the id of a refused take holds none.
        const most = verdict.outcome === 'allowed' ? Math.min(policy.capacity, remaining + cost) : policy.capacity;
        expect(peekAt(policy, after, nowUs).remaining).toBeLessThanOrEqual(most);
        expect(peekAt(policy, after, nowUs).remaining).toBeGreaterThanOrEqual(remaining);
        expect(strategy.refund(policy, undefined, nowUs, cost, { id })).toBeUndefined();
        const all = strategy.refund(policy, state, nowUs, MAX_SAFE_INTEGER, { id });
        expect(peekAt(policy, all, nowUs).remaining).toBeLessThanOrEqual(policy.capacity);
        if (state === undefined) return;
        const laterUs = strategy.expiresAtUs(policy, state);
        expect(strategy.refund(policy, state, laterUs, cost, { id, atUs: nowUs })).toBe(state);
      });
    });

    test('an expired state decides like none, and not a microsecond earlier', () => {
      forEachTake(backwards, (policy, { step: { state } }) => {
        if (state === undefined) return;
        const expiresAtUs = strategy.expiresAtUs(policy, state);
        for (const nowUs of [expiresAtUs, expiresAtUs + 1, expiresAtUs + 1e14]) {
          expect(decides(policy, state, nowUs)).toEqual(decides(policy, undefined, nowUs));
          expect(strategy.take(policy, state, nowUs, 1, 'next')).toEqual(
            strategy.take(policy, undefined, nowUs, 1, 'next'),
          );
        }
        expect(peekAt(policy, state, expiresAtUs - 1).remaining).toBeLessThan(policy.capacity);
      });
    });

    test('a clock that went back never admits more', () => {
      forEachTake(backwards, (policy, { before, nowUs, cost }) => {
        for (const us of [1, cost, nowUs % 1000, nowUs % 1e9, nowUs]) {
          const [now, earlier] = [nowUs, nowUs - us].map((at) => peekAt(policy, before, at, cost));
          expect(earlier?.remaining).toBeLessThanOrEqual(now?.remaining ?? 0);
          if (earlier?.outcome === 'allowed') expect(now?.outcome).toBe('allowed');
        }
      });
    });

    test('a cost that will never fit is told apart, however large', () => {
      forEachTake(backwards, (policy, { before, nowUs, id }) => {
        for (const cost of [policy.capacity + 1, 1e15, Number.MAX_SAFE_INTEGER]) {
          const { verdict, state } = strategy.take(policy, before, nowUs, cost, id);
          expect(verdict).toMatchObject({ outcome: 'denied', reason: 'cost-exceeds-capacity' });
          expect(state).toBe(before);
        }
      });
    });

    test('counts in safe integers only', () => {
      forEachTake(backwards, (_, { step }) => {
        for (const number of numbersIn(step)) {
          expect(Number.isSafeInteger(number)).toBe(true);
          expect(number).toBeGreaterThanOrEqual(0);
        }
      });
    });
  });
}

function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : [];
}
