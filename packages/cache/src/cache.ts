import type { Duration } from '@spillway/kernel';
import type { Tier } from './channels.ts';
import type { NotModified } from './loading/not-modified.ts';
import type { CacheStats } from './stats.ts';

/** What a loader gets besides its key. */
export interface LoadContext<Value = unknown> {
  /** Aborts when the load is past its hard timeout. Pass it on: a load keeps its place among `loads.concurrent` until it settles. */
  readonly signal: AbortSignal;
  /**
   * The value that the cache still has, stale or about to be, shared and frozen; undefined when it has none, or an invalidated one. A
   * loader that finds it unchanged answers `NOT_MODIFIED`, and it lives on as if it had been loaded.
   */
  readonly previous: Value | undefined;
}

/** What a batch loader gets besides its keys. */
export interface BatchContext<Value = unknown> {
  /** As `LoadContext.signal`. */
  readonly signal: AbortSignal;
  /** As `LoadContext.previous`, of the keys that have one. */
  readonly previous: ReadonlyMap<string, Value>;
}

/**
 * Fetches a value from the truth. `undefined` means that there is none: a negative entry.
 * It must read what was committed before it began: a replica that lags brings old values back.
 */
export type Loader<Value> = (key: string, context: LoadContext<Value>) => Promise<Value | NotModified | undefined>;

/**
 * Fetches the values of several keys, never twice the same, from the truth: one `SELECT ... WHERE id = ANY($1)`. What is missing in
 * the map (or `undefined`) does not exist: a negative entry. An `Error` in place of a value fails that key alone; a rejection fails all.
 * It must read what was committed before it began, as a `Loader`.
 */
export type BatchLoader<Value> = (
  keys: readonly string[],
  context: BatchContext<Value>,
) => Promise<ReadonlyMap<string, Value | NotModified | Error | undefined>>;

export interface GetOptions<Value = never> extends ReadOptions {
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

export interface ReadOptions {
  /**
   * `shared`: the one object that all callers get, deeply frozen, for nothing. `cloned`: a copy of it, of plain data, for this caller
   * alone, who may change it. Default `"shared"`.
   */
  readonly values?: 'shared' | 'cloned';
}

export interface SetOptions {
  readonly ttl?: Duration;
  readonly negativeTtl?: Duration;
  /** As in `GetOptions`. The value has to be newer than every invalidation of them that was answered before the call. */
  readonly tags?: readonly string[];
}

export interface TouchOptions {
  /** How long the value is fresh from now on. Default: the cache's `ttl`. */
  readonly ttl?: Duration;
}

/**
 * `prolonged`; `absent`: there is no value that is fresh, or it changed meanwhile; `unreachable`: L2 did not answer, or may not be read
 * at present.
 */
export type Touched = 'prolonged' | 'absent' | 'unreachable';

/** An answer, and how it came about. */
export interface Look<Value> {
  /** Shared and deeply frozen, unless `cloned`. */
  readonly value: Value | undefined;
  readonly from: Tier;
  /** True when it is known that there is no value. */
  readonly negative: boolean;
}

/** What L1 holds. Read it at once: its `state` is that of the moment of the `peek`. */
export interface PeekedEntry<Value> {
  readonly value: Value | undefined;
  readonly negative: boolean;
  /**
   * `due`: may be used, and should be refreshed, since it is soon past its `ttl` (`earlyRefresh`) or was so lately
   * (`staleWhileRevalidate`): `get` answers with it at once, and has it refreshed.
   */
  readonly state: 'fresh' | 'due' | 'stale';
}

/** What an invalidation means: keys, or all that was loaded under any of these tags. */
export type InvalidateTarget =
  | { readonly key: string; readonly keys?: never; readonly tags?: never }
  | { readonly keys: readonly string[]; readonly key?: never; readonly tags?: never }
  | { readonly tags: readonly string[]; readonly key?: never; readonly keys?: never };

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
  /**
   * The values of up to 1,000 keys, in their order; a key may come twice. From L1, else L2 (read together), else **one** load of all that
   * is missing. A key that is being loaded already, by a `get` or another `getMany`, is not loaded again, and the other way round.
   * @throws as `get`, for the first of the keys that has neither a value nor a stale one that may stand in; what was loaded of the others
   * is kept. `RangeError` for too many keys.
   */
  getMany(
    keys: readonly string[],
    loader: BatchLoader<Value>,
    options?: GetOptions<Value>,
  ): Promise<(Value | undefined)[]>;
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
   * after which an old answer is better than none, and for what may have changed. Of a key it stands in from L1 only: L2 lets go of it.
   */
  expire(target: InvalidateTarget): Promise<Invalidated>;
  /**
   * Prolongs a value that is fresh, without loading it: from now on for `ttl` (less its jitter), never shorter than before. In L2, where there
   * is one, from which L1 goes on reading at least every `l1.ttl`; else in L1, where nothing is fresh for longer than `l1.ttl` after its
   * load. A touch that is late prolongs nothing but what it has seen: an invalidated value does not come back.
   */
  touch(key: string, options?: TouchOptions): Promise<Touched>;
  stats(): CacheStats;
  /** Stops listening, and waits for the fills under way. Afterwards every `get` goes to its loader. The store and the bus stay open. */
  close(): Promise<void>;
}
