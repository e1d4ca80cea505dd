import type { Verdict } from './core/decision.ts';
import type { Policy, StrategyName } from './strategies/policy.ts';

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
  /** `atUs` of the take. Unknown: it is as if it had been taken just now. */
  readonly takenAtUs?: number;
  /** The id that it was taken with. A concurrency policy gives back by it alone. */
  readonly id?: string;
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
   * Takes `cost` from all `policies` or from none. With an `id`, which names the take: charged once, however often it is repeated
   * within ten minutes; a repeat is allowed. Concurrency policies hold their slots by it, and do without the memory of ten minutes.
   */
  take(key: string, policies: readonly Policy[], cost: number, id?: string): Promise<Take>;
  /** How a take would end, and nothing is taken. */
  peek(key: string, policies: readonly Policy[], cost: number): Promise<readonly Verdict[]>;
  /** Gives back what a take got, to all `policies`; never more than was missing, nor into a window that is not the take's. */
  refund(key: string, policies: readonly Policy[], refund: Refund): Promise<void>;
  /**
   * Refuses every take of `key` for so long (`reason: 'blocked'`), or for as long as an earlier block still lasts, if that is
   * longer. What had been taken is forgotten: it starts anew afterwards.
   */
  block(key: string, policies: readonly Policy[], forUs: number): Promise<void>;
  /** Forgets what was taken, and a block. */
  reset(key: string, policies: readonly Policy[]): Promise<void>;
}

/** A store that answers at once. */
export interface SynchronousLimitStore extends LimitStore {
  readonly scope: 'process';
  takeNow(key: string, policies: readonly Policy[], cost: number, id?: string): Take;
}
