import type { Verdict } from './core/decision.ts';
import type { Policy, StrategyName } from './strategies/policy.ts';

/** For so long after a take its id is known, and a repeat is free. */
export const REMEMBER_US = 600_000_000;

/**
 * How long after its sending a take with an id may charge. An id is remembered for so much longer than a repeat is free, so that
 * not even the first command of all, coming late, charges again.
 */
export const LATE_US = 5_000_000;

/** What a take led to. */
export interface Take {
  /** In the order of the policies. All allow, or nothing was charged. */
  readonly verdicts: readonly Verdict[];
  /** When it was decided, by the store's clock, in microseconds since the epoch of that clock. A refund names it. */
  readonly atUs: number;
}

export interface Refund {
  /** The units that were taken: up to so many come back. */
  readonly cost: number;
  /** `atUs` of the take. Unknown: when its id was charged; without an id it is as if it had been taken just now. */
  readonly takenAtUs?: number;
  /**
   * The id that it was taken with, by which it can be refunded once, for as long as the store remembers it, and for no more than
   * it got; afterwards a take with that id is a new one. A concurrency policy gives back by it alone, all slots together.
   */
  readonly id?: string;
}

/** What this instance's share gave while the store was away, and has not refilled: of one policy. */
export interface Owed {
  /** An integer >= 0. */
  readonly units: number;
  /** When the first of them was given, or earlier, by the store's clock. A window counts them only if it was theirs; a bucket has none. */
  readonly atUs: number;
}

export interface Reserve {
  /** Units to reserve beside those of the take: an integer >= 0. */
  readonly want: number;
  /** No more than what the take leaves, divided by this: an integer >= 1. */
  readonly parts: number;
  /**
   * Of each policy. Charged first and whatever becomes of the take, but never beyond empty; not while the key is blocked, and
   * not by strategies that take no leases.
   */
  readonly owed?: readonly Owed[];
}

/** What a reserve led to. Its verdicts are of the take alone, as if nothing had been reserved. */
export interface Reserved extends Take {
  /** Units that were charged to each policy beside the take; 0 when it was refused. */
  readonly granted: number;
  /** How long the first of the windows that they were charged to goes on; Infinity where there is none. */
  readonly windowLeftUs: number;
}

/**
 * Where the states of limits live. One implementation per kind of store; `limitStoreSuite` says what they must do alike.
 * Errors are for a store that can not answer, never for refusals; a command whose answer is lost may have run, and is never
 * sent again.
 */
export interface LimitStore {
  /** `process`: nobody else sees its states. `shared`: all instances do, and it can be away. */
  readonly scope: 'process' | 'shared';
  /** What it can count by. A limiter refuses other policies when it is made. */
  readonly strategies: ReadonlySet<StrategyName>;
  /**
   * Takes `cost` from all `policies` or from none. A policy that would have allowed what another refused is `allowed` in its
   * verdict, as it stands.
   *
   * An `id` names the take, for the same key and policies: charged once, however often it is repeated within ten minutes; a repeat
   * is allowed as things stand, whatever its cost. Concurrency policies hold their slots by it, and do without that memory: among
   * others they are asked again, when the others are free. A refused take is not remembered.
   * @throws {ConfigurationError} when a concurrency policy is asked without an id
   */
  take(key: string, policies: readonly Policy[], cost: number, id?: string): Promise<Take>;
  /**
   * `take` without an id, and in the same step what an instance owes (before it) and a lease for it (after it). Of policies that
   * take leases; a store without it gives none.
   */
  reserve?(key: string, policies: readonly Policy[], cost: number, reserve: Reserve): Promise<Reserved>;
  /** `take` without an id, after what an instance owes: as `reserve` without a lease, for stores that give none. */
  takeOwing?(key: string, policies: readonly Policy[], cost: number, owed: readonly Owed[]): Promise<Take>;
  /** How a take would end, and nothing is taken. */
  peek(key: string, policies: readonly Policy[], cost: number): Promise<readonly Verdict[]>;
  /**
   * Gives back what a take got, to all `policies`; never more than was missing, nor into a window that is not the take's.
   * @throws {ConfigurationError} when a concurrency policy is asked without an id
   */
  refund(key: string, policies: readonly Policy[], refund: Refund): Promise<void>;
  /**
   * Refuses every take of `key` from these policies for so long, repeats too, or for as long as an earlier block still lasts, if
   * that is longer. What had been taken is forgotten: it starts anew afterwards. Until then each of the policies answers `reason:
   * 'blocked'`, whatever the cost, with nothing remaining and all three times those of the block, and a refund does nothing.
   */
  block(key: string, policies: readonly Policy[], forUs: number): Promise<void>;
  /** Absent where keys can be apart: on the nodes of a Redis Cluster. `createMixedLimiter` refuses such a store. */
  readonly mixed?: MixedOperations;
  /** Forgets what was taken, and a block. */
  reset(key: string, policies: readonly Policy[]): Promise<void>;
}

/** One key for all of the policies, or one for each of them. */
export type Keys = string | readonly string[];

/**
 * The same for policies of several subjects: `keys[at]` is whose state `policies[at]` is about. All or nothing, and one step, as with
 * one key. The policies' names are unique. An id names the take among these keys and policies; without a memory of its own a subject
 * remembers nothing.
 */
export interface MixedOperations {
  take(keys: readonly string[], policies: readonly Policy[], cost: number, id?: string): Promise<Take>;
  reserve?(keys: readonly string[], policies: readonly Policy[], cost: number, reserve: Reserve): Promise<Reserved>;
  peek(keys: readonly string[], policies: readonly Policy[], cost: number): Promise<readonly Verdict[]>;
  refund(keys: readonly string[], policies: readonly Policy[], refund: Refund): Promise<void>;
  /** Of a store that answers at once. */
  takeNow?(keys: readonly string[], policies: readonly Policy[], cost: number, id?: string): Take;
}

/** A store that answers at once. */
export interface SynchronousLimitStore extends LimitStore {
  readonly scope: 'process';
  takeNow(key: string, policies: readonly Policy[], cost: number, id?: string): Take;
  reserveNow?(key: string, policies: readonly Policy[], cost: number, reserve: Reserve): Reserved;
}
