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
  /**
   * What this value hangs on beside its key: `invalidate({ tags })` lets go of all that was loaded under one of them. Up to 16, each up to
   * 256 characters, the same in every call for a key: those of the call that loads count. Not told from the value: they are read before it is.
   */
  readonly tags?: readonly string[];
  /** Ends the waiting of this caller, with the signal's reason; the load goes on for the others and for the cache. */
  readonly signal?: AbortSignal;
}

export interface SetOptions {
  readonly ttl?: Duration;
  readonly negativeTtl?: Duration;
  /** As in `GetOptions`. The value has to be newer than every invalidation of them that was answered before the call. */
  readonly tags?: readonly string[];
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

/** What an invalidation means: keys, or all that was loaded under any of these tags. */
export type InvalidateTarget =
  | { readonly key: string }
  | { readonly keys: readonly string[] }
  | { readonly tags: readonly string[] };

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
   * writer per key at a time: of two, nobody could tell whose value is newer; use `invalidate` there.
   */
  set(key: string, value: Value | undefined, options?: SetOptions): Promise<void>;
  /**
   * Call it after the truth has changed, before you answer. Never rejects for an absent store: what could not be deleted is
   * remembered, not read by any instance that hears of it, and deleted when the store is back. The old value is never served again,
   * not even when nothing else is to be had.
   */
  invalidate(target: InvalidateTarget): Promise<Invalidated>;
  /**
   * As `invalidate`, but the old value may still stand in, marked as `stale`, when neither L2 nor the loader answers: for changes
   * after which an old answer is better than none, and for what may have changed. Of a key it stands in from L1 only: L2 lets go of it.
   */
  expire(target: InvalidateTarget): Promise<Invalidated>;
  stats(): CacheStats;
  /** Stops listening, and waits for the fills under way. Afterwards every `get` goes to its loader. The store and the bus stay open. */
  close(): Promise<void>;
}
