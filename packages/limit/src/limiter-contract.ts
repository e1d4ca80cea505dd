import type { Duration } from '@spillway/kernel';
import type { Decision } from './core/decision.ts';
import type { LimitMode } from './limiter-options.ts';
import type { Policy } from './strategies/policy.ts';

export interface PeekOptions {
  /** What the call is worth: an integer >= 1. Default 1. */
  readonly cost?: number;
}

export interface TakeOptions extends PeekOptions {
  /**
   * Names the take: it is charged once, however often it is repeated within ten minutes. Any text but the empty one, unique per
   * key. A concurrency policy needs one, to hold its slots by.
   */
  readonly id?: string;
}

export interface RefundOptions {
  /** What comes back: an integer >= 1, at most what was taken. Default 1. */
  readonly cost?: number;
  /** The decision of the take. Without it the refund is worth what it would be had the take been made just now. */
  readonly of?: Decision;
  /** The id of the take: it is refunded once, and needed where slots were held by it. */
  readonly id?: string;
}

export interface WaitOptions extends TakeOptions {
  /** Ends the wait: the promise is rejected with its reason. */
  readonly signal?: AbortSignal;
  /** An integer >= 0. Default: for as long as it takes. */
  readonly maxWaitMs?: number;
}

/** What middleware and `limited` need of a limiter. */
export type TakingLimiter = Pick<Limiter, 'policies' | 'synchronous' | 'take' | 'takeNow' | 'refund'>;

export interface Limiter {
  readonly policies: readonly Policy[];
  readonly mode: LimitMode;
  /** Whether `takeNow` works: nothing ever has to be waited for. */
  readonly synchronous: boolean;
  /**
   * Charges `key`, if all policies allow it; a refusal costs nothing. The key may hold any characters.
   * @throws {ConfigurationError} when the cost is not an integer >= 1, or slots are taken without an id
   * @throws {StoreUnavailableError} only with `onStoreError: 'throw'`
   */
  take(key: string, options?: TakeOptions): Promise<Decision>;
  /**
   * `take` without waiting, for hot paths.
   * @throws {ConfigurationError} also when decisions may have to wait for a store: mode `exact` or `lease` with a shared one
   */
  takeNow(key: string, options?: TakeOptions): Decision;
  /** How a take would end now. Nothing is charged. */
  peek(key: string, options?: PeekOptions): Promise<Decision>;
  /**
   * Gives back what an allowed take got and did not use, at most once: from all policies, as far as time has not given it back
   * already. The decision (`of`) tells who charged it and when; one that nobody charged gives nothing back.
   * @throws {StoreUnavailableError} when the store does not answer; do not repeat it, it may have run
   */
  refund(key: string, options?: RefundOptions): Promise<void>;
  /**
   * Refuses every take of `key` for so long (`reason: 'blocked'`), or for as long as an earlier block lasts; what it had taken is
   * forgotten. On all instances, in mode `lease` within `maxAge`, except in mode `share`: on this one.
   * @throws {StoreUnavailableError} when the store does not answer: only this instance refuses it then, while the store is away
   * @throws {OverloadedError} when this process keeps no more blocks
   */
  block(key: string, duration: Duration): Promise<void>;
  /** Forgets what `key` has taken, and a block of it. @throws {StoreUnavailableError} when the store does not answer */
  reset(key: string): Promise<void>;
  /**
   * A take that waits until it is allowed, for outgoing calls: in this process one after the other for each key, in the order in
   * which they came. It answers with a refusal only when no wait can end within `maxWaitMs`, or at all (`cost-exceeds-capacity`).
   * @throws {OverloadedError} when `maxWaiting` calls wait already
   * @throws {LimiterClosedError} when the limiter is closed, before or meanwhile
   */
  wait(key: string, options?: WaitOptions): Promise<Decision>;
  /**
   * Ends all waits, and hands back what is left of leases: resolves when the store has heard of it, or did not answer. To be called
   * before the store's connection is closed; stores stay open: they are borrowed.
   */
  close(): Promise<void>;
}
