import type { Duration } from '@spillway/kernel';
import type { Tier } from './channels.ts';
import type { CacheStats } from './stats.ts';

/** What a loader gets besides its key. */
export interface LoadContext {
  /** Aborts when the load is past its hard timeout. Pass it on: a load keeps its place among `loads.concurrent` until it settles. */
  readonly signal: AbortSignal;
}

/**
 * Fetches a value from the truth. `undefined` means that there is none: a negative entry.
 * It must read what was committed before it began: a replica that lags brings old values back.
 */
export type Loader<Value> = (key: string, context: LoadContext) => Promise<Value | undefined>;

export interface GetOptions<Value = never> {
  /** How long this value is fresh, instead of the cache's `ttl`; or, once it is loaded, told from the value. What it throws fails the load. */
  readonly ttl?: Duration | ((value: Value) => Duration);
  /** How long it is known that there is no value, instead of the cache's `negativeTtl`. */
  readonly negativeTtl?: Duration;
  /** Ends the waiting of this caller, with the signal's reason; the load goes on for the others and for the cache. */
  readonly signal?: AbortSignal;
}

export interface SetOptions {
  readonly ttl?: Duration;
  readonly negativeTtl?: Duration;
}

/** An answer, and how it came about. */
export interface Look<Value> {
  /** Shared and deeply frozen. */
  readonly value: Value | undefined;
  readonly from: Tier;
  /** True when it is known that there is no value. */
  readonly negative: boolean;
}

/** What L1 holds. Read it at once: its `state` is that of the moment of the `peek`. */
export interface PeekedEntry<Value> {
  readonly value: Value | undefined;
  readonly negative: boolean;
  readonly state: 'fresh' | 'stale';
}

/** Which keys an invalidation means. */
export type InvalidateTarget = { readonly key: string } | { readonly keys: readonly string[] };

/**
 * What became of it in L2: `deleted` there, `pending` until it can be reached, `off` where there is none.
 */
export type Invalidated = 'deleted' | 'pending' | 'off';

/**
 * A cache in two tiers: L1 in this process, L2 shared, a loader behind both. Values are shared among callers and frozen.
 */
export interface Cache<Value> {
  readonly name: string;
  /**
   * The value from L1, else L2, else `loader`: one load per key in this process at a time. Concurrent callers share the loader of
   * the first.
   * @throws what the loader throws, once for all who wait; `OverloadedError` when there is no room for another load;
   * `StoreUnavailableError` past the hard timeout. All but the first only when no stale value may stand in.
   */
  get(key: string, loader: Loader<Value>, options?: GetOptions<Value>): Promise<Value | undefined>;
  /** As `get`, and says where the answer came from. */
  look(key: string, loader: Loader<Value>, options?: GetOptions<Value>): Promise<Look<Value>>;
  /** What L1 holds, without waiting. Undefined when it holds nothing that may be used. */
  peek(key: string): PeekedEntry<Value> | undefined;
  /**
   * Puts a value in place of whatever every instance holds; `undefined` is a negative entry. Call it after the truth has changed. For one
   * writer per key at a time: of two, nobody could tell whose value is newer; use `write` or `invalidate` there.
   */
  set(key: string, value: Value | undefined, options?: SetOptions): Promise<void>;
  /**
   * Runs `change`, which writes to the truth and resolves with what stands there now, and puts that in place of whatever every
   * instance holds. The truth decides. Any number may write one key at the same time: where two met, the key is invalidated, since
   * nobody can tell whose change came last; and also when the store did not take the value, as `invalidate` does, not to be lost.
   * @throws what `change` throws. The key is invalidated then, too: what failed may have been made. Once it has settled it must not go on
   */
  write<Written extends Value | undefined>(
    key: string,
    change: () => Promise<Written>,
    options?: SetOptions,
  ): Promise<Written>;
  /**
   * Call it after the truth has changed, before you answer. Never rejects for an absent store: what could not be deleted is
   * remembered, not read by any instance that hears of it, and deleted when the store is back. The old value is never served again,
   * not even when nothing else is to be had.
   */
  invalidate(target: InvalidateTarget): Promise<Invalidated>;
  /**
   * As `invalidate`, but the old value may still stand in, marked as `stale`, when neither L2 nor the loader answers: for changes
   * after which an old answer is better than none, and for what may have changed. It stands in from L1 only: L2 lets go of it.
   */
  expire(target: InvalidateTarget): Promise<Invalidated>;
  stats(): CacheStats;
  /** Stops listening, and waits for the fills under way. Afterwards every `get` goes to its loader. The store and the bus stay open. */
  close(): Promise<void>;
}
