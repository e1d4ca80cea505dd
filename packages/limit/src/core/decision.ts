/** How a policy stands for one key, at the moment of the decision. */
export interface Standing {
  /** Whole units that could be taken at once now. */
  readonly remaining: number;
  /** Microseconds until one more whole unit is there; 0 when nothing is missing. */
  readonly refillAfterUs: number;
  /** Microseconds until nothing is missing. */
  readonly resetAfterUs: number;
}

/** One policy's answer, as strategies and stores give it. */
export type Verdict = Standing &
  (
    | { readonly outcome: 'allowed' }
    | {
        readonly outcome: 'denied';
        readonly reason: 'exhausted';
        /** Microseconds after which the same take is allowed, if nobody else takes. */
        readonly retryAfterUs: number;
      }
    | { readonly outcome: 'denied'; readonly reason: 'cost-exceeds-capacity' }
    /** The key itself is refused for so long (`block`), whatever it has left: `remaining` is 0. */
    | { readonly outcome: 'denied'; readonly reason: 'blocked'; readonly retryAfterUs: number }
  );

/** How a policy stands for one key, for people and headers. */
export interface Quota {
  /** The policy's name. */
  readonly policy: string;
  /** Its capacity; in share mode, and while the store is away, this instance's share of it. */
  readonly limit: number;
  /** Whole units left after this decision; 0 where it is unknown (`decidedBy: 'store-error-policy'`). */
  readonly remaining: number;
  /** Until one more whole unit is there; 0 when nothing is missing. Rounded up. */
  readonly refillAfterMs: number;
  /** Until nothing is missing. Rounded up. */
  readonly resetAfterMs: number;
}

/**
 * Who decided: the `store`; a `lease` of it held here; the memory that the store refused lately (`local-block`); this
 * instance's `share` of the limit; or, when nobody could count, the `onStoreError` setting itself (`store-error-policy`).
 */
export type DecidedBy = 'store' | 'lease' | 'local-block' | 'share' | 'store-error-policy';

/**
 * The answer to a take. A refusal is a value, never an exception. With several policies it describes the one that binds: of
 * those that refuse, a block, else one that can never admit, else the one that takes longest; if none does, the one with the
 * least left.
 */
export type Decision = Quota & {
  readonly decidedBy: DecidedBy;
  /** True when the store should have decided and could not. */
  readonly degraded: boolean;
  /** With several policies: how each stands, in the limiter's order. Absent with one. */
  readonly quotas?: readonly Quota[];
} & (
    | {
        readonly outcome: 'allowed';
        /** When it was charged, by the clock of what charged it: a refund of it needs to know. Absent when nothing did. */
        readonly chargedAtUs?: number;
      }
    | (Denied & { readonly reason: 'exhausted'; readonly retryAfterMs: number })
    /** It will never fit: there is no time to wait for. */
    | (Denied & { readonly reason: 'cost-exceeds-capacity' })
    /** Somebody has blocked the key. */
    | (Denied & { readonly reason: 'blocked'; readonly retryAfterMs: number })
    /** No quota was exceeded, but nobody could say so: `onStoreError: 'deny'`, or this process has no room left to count by (G7). */
    | (Denied & { readonly reason: 'store-unavailable'; readonly retryAfterMs: number })
  );

interface Denied {
  readonly outcome: 'denied';
  /** Names of the policies that refused. */
  readonly violatedPolicies: readonly string[];
}
