import fc from 'fast-check';
import type { Step, Strategy } from '../../../src/strategies/strategy.ts';

/** A policy, and takes of one key in order. */
export interface Scenario<Policy> {
  readonly policy: Policy;
  readonly startUs: number;
  readonly takes: readonly { readonly byUs: number; readonly cost: number }[];
}

/** One take of a walk: what was there before, and what came of it. */
export interface Taking<State> {
  readonly before: State | undefined;
  readonly nowUs: number;
  readonly cost: number;
  readonly id: string;
  readonly step: Step<State>;
}

export const START_US = 1_763_000_000_000_000;

/** In the year 2112: with the longest window added, still a safe integer. */
export const LATEST_US = 2 ** 52;

/**
 * Random takes whose gaps gather around the spans at which something happens. `backwards`: one gap in ten is a clock that steps
 * back.
 */
export const scenarios = <Policy extends { readonly capacity: number }>(
  policies: fc.Arbitrary<Policy>,
  spansOf: (policy: Policy) => readonly number[],
  { clock = 'forward', startsUs = fc.constant(START_US) }: ScenarioOptions = {},
): fc.Arbitrary<Scenario<Policy>> =>
  policies.chain((policy) => {
    const spans = fc.constantFrom(...spansOf(policy));
    const near = spans.chain((span) => fc.integer({ min: Math.max(0, span - 2), max: span + 2 }));
    const within = spans.chain((span) => fc.integer({ min: 0, max: Math.ceil(span * 1.5) }));
    const back = spans.chain((span) => fc.integer({ min: 1, max: Math.max(1, span * 2) })).map((us) => -us);
    const byUs = fc.oneof(
      { arbitrary: fc.constant(0), weight: 3 },
      { arbitrary: near, weight: 3 },
      { arbitrary: within, weight: 3 },
      ...(clock === 'backwards' ? [{ arbitrary: back, weight: 1 }] : []),
    );
    const cost = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: policy.capacity + 2 }));
    const offset = fc.integer({ min: 0, max: Math.max(...spansOf(policy)) });
    return fc.record({
      policy: fc.constant(policy),
      startUs: fc.tuple(startsUs, offset).map(([start, us]) => start + us),
      takes: fc.array(fc.record({ byUs, cost }), { minLength: 1, maxLength: 40 }),
    });
  });

interface ScenarioOptions {
  readonly clock?: 'forward' | 'backwards';
  readonly startsUs?: fc.Arbitrary<number>;
}

/** Every state is frozen, so that a step that changes one in place fails. */
export function walk<Policy, State>(
  strategy: Strategy<Policy, State>,
  { policy, startUs, takes }: Scenario<Policy>,
): Taking<State>[] {
  let before: State | undefined;
  let nowUs = startUs;
  return takes.map(({ byUs, cost }, at) => {
    nowUs = Math.min(LATEST_US, Math.max(0, nowUs + byUs));
    const id = `take-${at}`;
    const step = strategy.take(policy, before, nowUs, cost, id);
    const taking = { before, nowUs, cost, id, step };
    before = deepFreeze(step.state);
    return taking;
  });
}

export interface Admission {
  readonly atUs: number;
  readonly cost: number;
}

/**
 * What a walk admitted, and when: on a clock that went back, as late as the latest that was admitted before, since that is the
 * time which the steps have seen.
 */
export function admitted<State>(takings: readonly Taking<State>[]): Admission[] {
  const list: Admission[] = [];
  for (const { step, nowUs, cost } of takings) {
    if (step.verdict.outcome === 'allowed') list.push({ atUs: Math.max(nowUs, list.at(-1)?.atUs ?? 0), cost });
  }
  return list;
}

export const unitsSince = (list: readonly Admission[], sinceUs: number): number =>
  list.reduce((sum, { atUs, cost }) => (atUs >= sinceUs ? sum + cost : sum), 0);

/** The first interval, from one admission to another, over which more was admitted than `bound` of its length. */
export function intervalOver(list: readonly Admission[], bound: (us: number) => number): string | undefined {
  for (const [from, first] of list.entries()) {
    let sum = 0;
    for (const { atUs, cost } of list.slice(from)) {
      sum += cost;
      const us = atUs - first.atUs;
      if (sum > bound(us)) return `${sum} within ${us} us from ${first.atUs} on, bound ${bound(us)}`;
    }
  }
  return undefined;
}

/** A burst, and what a rate brings in the interval: rounded down, since admissions are whole. */
export const rateBound =
  (capacity: number, { tokens, everyUs }: { readonly tokens: number; readonly everyUs: number }) =>
  (us: number): number =>
    capacity + Number((BigInt(us) * BigInt(tokens)) / BigInt(everyUs));

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner);
    Object.freeze(value);
  }
  return value;
}
