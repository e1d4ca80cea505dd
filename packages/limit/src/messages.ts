import type { Decision } from './core/decision.ts';
import type { StrategyName } from './strategies/policy.ts';

/** `spillway:limit:decision`: every take, after it was decided. */
export interface LimitDecisionMessage {
  /** As the caller gave it: personal, unbounded, and never to become a metric's label. */
  readonly key: string;
  readonly cost: number;
  readonly decision: Decision;
  /** Of the policy that the decision describes. */
  readonly strategy: StrategyName;
}

/** `spillway:limit:store`: a shared store was asked, and how that ended. What is decided without asking is not told here. */
export interface LimitStoreMessage {
  /** `take-once` is a take with an id. */
  readonly operation: 'take' | 'take-once' | 'reserve' | 'peek' | 'refund' | 'block' | 'reset';
  readonly outcome: 'ok' | 'error';
  /** From the call to its answer: waiting for the others of its turn, and the round trip, included. */
  readonly durationMs: number;
  readonly policies: readonly string[];
}

/** `spillway:limit:block`: somebody had a key blocked. */
export interface LimitBlockMessage {
  /** As for a decision: never to become a metric's label. */
  readonly key: string;
  readonly policies: readonly string[];
  readonly forMs: number;
}

/** `spillway:limit:bound`: a bound of this process was met, and something was refused or forgotten for it (G7). */
export interface LimitBoundMessage {
  /**
   * `waiting`: a call of `wait` was refused. `blocks`: a block was. `slots`: a take of a concurrency policy was. `ids`: the oldest ids
   * were forgotten, most of them before their time. `local-blocks`: the oldest refusals were; their keys ask the store again.
   */
  readonly bound: 'waiting' | 'blocks' | 'slots' | 'ids' | 'local-blocks';
}

/**
 * `spillway:limit:lease`: what became of units that were reserved here. `spent` is told when their lease ends: until then a lease is only
 * `granted`. What is left then is `handed-back`, or `lost`: not worth sending, forgotten with its key, or sent without an answer.
 */
export interface LimitLeaseMessage {
  readonly what: 'granted' | 'spent' | 'handed-back' | 'lost';
  /** Of each policy: an integer >= 1. */
  readonly units: number;
  readonly policies: readonly string[];
}

/** `spillway:limit:store-error`: the store could not decide. */
export interface LimitStoreErrorMessage {
  readonly policies: readonly string[];
  readonly error: unknown;
}

/** `spillway:limit:overflow`: a take was decided by a shared overflow bucket, since the memory store was full (G7). */
export interface LimitOverflowMessage {
  readonly policy: string;
  /** Keys with a state of their own. */
  readonly keys: number;
}

/** `spillway:limit:shadow`: what a plan's shadow policies would have decided about a take that was allowed. */
export interface LimitShadowMessage {
  readonly plan: string;
  /** As for a decision: never to become a metric's label. */
  readonly key: string;
  readonly cost: number;
  readonly decision: Decision;
}

/** `spillway:limit:unknown-plan`: the application named a plan that there is not; the default plan holds. */
export interface LimitUnknownPlanMessage {
  readonly plan: string;
}
