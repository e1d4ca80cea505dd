import type { Decision } from './core/decision.ts';

/** `spillway:limit:decision`: every take, after it was decided. */
export interface LimitDecisionMessage {
  /** As the caller gave it: personal, unbounded, and never to become a metric's label. */
  readonly key: string;
  readonly cost: number;
  readonly decision: Decision;
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
