import type { Verdict } from './core/decision.ts';
import type { Policy } from './core/policy.ts';

/**
 * Where the states of limits live. One implementation per kind of store; `limitStoreSuite` says what they must do alike.
 * Verdicts come in the order of `policies`. Errors are for a store that can not answer, never for refusals.
 */
export interface LimitStore {
  /** `process`: nobody else sees its states. `shared`: all instances do, and it can be away. */
  readonly scope: 'process' | 'shared';
  /** Takes `cost` from all `policies` or from none. At most once, even if the answer is lost. */
  take(key: string, policies: readonly Policy[], cost: number): Promise<readonly Verdict[]>;
  /** The same verdicts, and nothing is taken. */
  peek(key: string, policies: readonly Policy[], cost: number): Promise<readonly Verdict[]>;
  /** Forgets what was taken. */
  reset(key: string, policies: readonly Policy[]): Promise<void>;
}

/** A store that answers at once. */
export interface SynchronousLimitStore extends LimitStore {
  readonly scope: 'process';
  takeNow(key: string, policies: readonly Policy[], cost: number): readonly Verdict[];
}
