import type { Verdict } from '../core/decision.ts';

/** What a take leads to. */
export interface Step<State> {
  readonly verdict: Verdict;
  /** The state that was given, the same object, unless something was taken: a refusal costs nothing. */
  readonly state: State | undefined;
}

/** Which take a refund undoes, as far as it is known. */
export interface Taken {
  /** When it was taken, by the clock of the steps. Unknown: the latest one. */
  readonly atUs?: number;
  /** The id it was taken with. Only strategies that hold something need it. */
  readonly id?: string;
}

/** What a strategy needs to know for leases, and for what shares gave while the store was away. */
export interface Leasing<Policy, State> {
  /** How long what is taken now may be spent later: until the end of its window. Infinity where there are no windows. */
  windowLeftUs(policy: Policy, state: State | undefined, nowUs: number): number;
  /** How long what is taken now counts, where that is longer: what was used elsewhere is owed for so long. */
  countsForUs?(policy: Policy, nowUs: number): number;
  /**
   * The state with `units` charged that somebody has used already, as far as there is room: never beyond empty. A window counts them
   * only while `atUs` does. The same object when there is nothing to charge.
   */
  handOver(policy: Policy, state: State | undefined, nowUs: number, units: number, atUs: number): State | undefined;
}

/**
 * One way to limit, as pure steps over plain data: no clock, no I/O, nothing kept between calls. A store does nothing else than
 * to find the state of a key, ask, and keep the state that comes back.
 *
 * What holds for each of them, and a property test proves:
 * - No state is a key that nobody has used. States are plain objects of integers below 2^53 (and ids), never changed in place.
 * - `nowUs` is an integer from 0 to 2^52 (the year 2112), `cost` an integer >= 1. A clock that went back never admits more than one that stood still.
 * - `retryAfterUs` is exact: the same take is allowed then and not a microsecond earlier, if nobody else takes.
 * - A state written under another policy of the same strategy still counts, as far as it can be told.
 * - Over any interval, what was admitted keeps to the bound that the policy states; with refunds, what was admitted less what
 *   was refunded in the same interval.
 */
export interface Strategy<Policy, State> {
  /** `id` names the take, for strategies that hold something until it is given back. */
  take(policy: Policy, state: State | undefined, nowUs: number, cost: number, id?: string): Step<State>;
  /** How a take would end now, without taking: `remaining` counts all that is there. */
  peek(policy: Policy, state: State | undefined, nowUs: number, cost: number): Verdict;
  /**
   * The state with up to `cost` units given back: never more than full, and never into a window that is not the take's. The
   * same object when there is nothing to give back; undefined when nothing is missing any more.
   */
  refund(policy: Policy, state: State | undefined, nowUs: number, cost: number, taken?: Taken): State | undefined;
  /** From this moment on the state decides like none, and may be dropped. */
  expiresAtUs(policy: Policy, state: State): number;
  /** How long a unit counts at most, nominally: `w` in `RateLimit-Policy`. Undefined where time alone gives nothing back. */
  spanUs(policy: Policy): number | undefined;
  /** Undefined: it takes no leases. */
  readonly leasing?: Leasing<Policy, State>;
}
