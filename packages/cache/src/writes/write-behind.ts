import { ConfigurationError, type Duration, OverloadedError, StoreUnavailableError, toMs } from '@spillway/kernel';
import type { Cache, GetOptions, Invalidated, InvalidateTarget, Loader, Look, SetOptions } from '../cache.ts';
import { boundChannel, type CacheBoundMessage } from '../channels.ts';
import { parseEntryTags } from '../core/parse-tags.ts';
import type { CacheCodec } from '../values/codec.ts';
import { freezeDeep } from '../values/freeze.ts';
import { jsonCodec } from '../values/json-codec.ts';
import { toFlushOptions } from './flush-options.ts';
import { pause } from './pause.ts';
import type { ReadThrough, ReadThroughOptions } from './read-through.ts';
import type { LoggedWrite, WriteLog } from './write-log.ts';

export interface WriteBehindOptions<Value> extends ReadThroughOptions<Value> {
  /** Borrowed: whoever made it closes it, after this. */
  readonly log: WriteLog;
  /** At most so many keys may be on their way to the truth. Default 10,000. */
  readonly maxPending?: number;
  /** How values stand in the log; the side that applies them has to agree. Default `jsonCodec()`. */
  readonly codec?: CacheCodec<Value>;
}

export interface WriteBehindStats {
  /** Keys whose last value is not known to be in the truth. */
  readonly pending: number;
  /** Writes since it was made: taken by the log, and refused for want of room. */
  readonly accepted: number;
  readonly refused: number;
}

/** A cache that answers a write once its log has it; the truth has it later. */
export interface WriteBehind<Value> extends ReadThrough<Value> {
  /**
   * Hands the write to the log, and then the value to every instance. Reads here answer it from the moment of the call until the truth has it;
   * other instances from L2, once this has resolved and the bus has told them.
   * @throws {OverloadedError} when the log or `maxPending` has no room: nothing was written, here or anywhere
   * @throws {UnsupportedValueError} when the codec can not write the value; nothing was written either
   * @throws {StoreUnavailableError} after `close`
   */
  put(key: string, value: Value, options?: SetOptions): Promise<void>;
  /** The same for nothing: what stands under the key will be removed. */
  remove(key: string, options?: SetOptions): Promise<void>;
  /** Resolves when all that was put before is in the truth, or was refused by it, and no tier has anything older. */
  flush(options?: { readonly timeout?: Duration; readonly signal?: AbortSignal }): Promise<void>;
  stats(): WriteBehindStats;
  /**
   * Takes no more writes, and waits until those on their way are in the truth, at most `timeout` (default `"10s"`). What is not by then
   * is the log's to keep: close that afterwards.
   */
  close(options?: { readonly timeout?: Duration }): Promise<void>;
}

/**
 * @throws {ConfigurationError} when `maxPending` is no integer of at least 1
 */
export function writeBehind<Value>(options: WriteBehindOptions<Value>): WriteBehind<Value> {
  return new LoggedWriteBehind(options);
}

interface Pending<Value> {
  readonly value: Value | undefined;
  readonly options: SetOptions | undefined;
  /** Of the write, among those accepted. */
  readonly number: number;
}

/** A `set` under way, and the one that will follow it. */
interface Showing {
  readonly done: Promise<void>;
  next: Promise<void> | undefined;
}

const SETTLE_EVERY_MS = 50;

/** Keys invalidated at a time, once their values are in the truth. */
const SETTLE_BATCH = 500;

class LoggedWriteBehind<Value> implements WriteBehind<Value> {
  readonly #cache: Cache<Value>;
  readonly #load: Loader<Value>;
  readonly #log: WriteLog;
  readonly #codec: CacheCodec<Value>;
  readonly #maxPending: number;
  /** What this process has put that is not known to be in the truth: reads here answer it, whatever the tiers hold. */
  readonly #pending = new Map<string, Pending<Value>>();
  readonly #showing = new Map<string, Showing>();
  readonly #closed = new AbortController();
  readonly #settled: (() => void)[] = [];
  #settling = false;
  #accepted = 0;
  #refused = 0;
  #open = true;

  constructor({ cache, load, log, maxPending = 10_000, codec = jsonCodec<Value>() }: WriteBehindOptions<Value>) {
    if (!Number.isSafeInteger(maxPending) || maxPending < 1) {
      const message = `must be an integer >= 1, got ${JSON.stringify(maxPending)}`;
      throw new ConfigurationError('Writing behind has wrong options', [{ path: 'maxPending', message }]);
    }
    this.#cache = cache;
    this.#load = load;
    this.#log = log;
    this.#codec = codec;
    this.#maxPending = maxPending;
  }

  async get(key: string, options?: GetOptions<Value>): Promise<Value | undefined> {
    const pending = this.#pending.get(key);
    return pending === undefined ? await this.#cache.get(key, this.#load, options) : pending.value;
  }

  async look(key: string, options?: GetOptions<Value>): Promise<Look<Value>> {
    const pending = this.#pending.get(key);
    if (pending === undefined) return await this.#cache.look(key, this.#load, options);
    return { value: pending.value, from: 'l1', negative: pending.value === undefined };
  }

  invalidate(target: InvalidateTarget): Promise<Invalidated> {
    return this.#cache.invalidate(target);
  }

  async put(key: string, value: Value, options?: SetOptions): Promise<void> {
    await this.#write({ key, text: this.#codec.encode(value) }, value, options);
  }

  async remove(key: string, options?: SetOptions): Promise<void> {
    await this.#write({ key }, undefined, options);
  }

  async flush({ timeout, signal }: { readonly timeout?: Duration; readonly signal?: AbortSignal } = {}): Promise<void> {
    const upTo = this.#accepted;
    await this.#log.flush(toFlushOptions({ timeout, signal }));
    await this.#confirm(upTo);
  }

  stats(): WriteBehindStats {
    return { pending: this.#pending.size, accepted: this.#accepted, refused: this.#refused };
  }

  async close({ timeout = '10s' }: { readonly timeout?: Duration } = {}): Promise<void> {
    this.#open = false;
    try {
      if (this.#pending.size > 0) await this.flush({ timeout });
    } catch {
      // The log has them, and says itself what it could not do.
    }
    this.#closed.abort();
    if (this.#settling) await new Promise<void>((resolve) => this.#settled.push(resolve));
  }

  async #write(write: LoggedWrite, value: Value | undefined, options: SetOptions | undefined): Promise<void> {
    const { key } = write;
    if (typeof key !== 'string') {
      throw new TypeError(`A cache key is a string, got ${typeof key}; write e.g. String(id)`);
    }
    if (!this.#open) throw new StoreUnavailableError('put', undefined, 'is closed', { mayHaveRun: false });
    // Before the log has it: what throws has written nothing.
    if (options?.ttl !== undefined) toMs(options.ttl);
    if (options?.negativeTtl !== undefined) toMs(options.negativeTtl);
    parseEntryTags(options?.tags);
    const isFull = this.#pending.size >= this.#maxPending && !this.#pending.has(key);
    if (isFull || !this.#log.publish(write)) {
      this.#refused += 1;
      const message: CacheBoundMessage = { cache: this.#cache.name, bound: 'pending-writes' };
      if (boundChannel.hasSubscribers) boundChannel.publish(message);
      const what = `The set of writes of cache ${JSON.stringify(this.#cache.name)} that are on their way`;
      throw new OverloadedError(what, isFull ? this.#maxPending : this.#pending.size);
    }
    this.#accepted += 1;
    freezeDeep(value);
    this.#pending.set(key, { value, options, number: this.#accepted });
    if (!this.#settling) void this.#settle();
    await this.#show(key);
  }

  /**
   * Puts what is pending into the tiers. One at a time per key, and of those that wait only the last: the store may carry out two at once in
   * any order, and a late one would show an older value after the truth has the newer.
   */
  #show(key: string): Promise<void> {
    const showing = this.#showing.get(key);
    if (showing === undefined) return this.#showNow(key);
    const next = (): Promise<void> => this.#showNow(key);
    showing.next ??= showing.done.then(next, next);
    return showing.next;
  }

  #showNow(key: string): Promise<void> {
    const pending = this.#pending.get(key);
    const set = pending === undefined ? Promise.resolve() : this.#cache.set(key, pending.value, pending.options);
    const showing: Showing = {
      done: set.finally(() => {
        if (showing.next === undefined) this.#showing.delete(key);
      }),
      next: undefined,
    };
    this.#showing.set(key, showing);
    return showing.done;
  }

  /** Until nothing is pending: waits for the log, then lets the tiers read from the truth again. */
  async #settle(): Promise<void> {
    this.#settling = true;
    const { signal } = this.#closed;
    let waitMs = 50;
    while (this.#pending.size > 0 && !signal.aborted) {
      // A log that hurries when it is asked to flush still makes batches.
      await pause(SETTLE_EVERY_MS, signal);
      if (signal.aborted) break;
      const upTo = this.#accepted;
      try {
        await this.#log.flush({ signal });
        await this.#confirm(upTo);
        waitMs = 50;
      } catch {
        await pause(waitMs, signal);
        waitMs = Math.min(2 * waitMs, 2_000);
      }
    }
    this.#settling = false;
    for (const resolve of this.#settled.splice(0)) resolve();
  }

  /**
   * The truth has these: the tiers are to read it, since another instance may have loaded the value before, and a refused write never
   * got there. Only then do reads here go past `#pending`.
   */
  async #confirm(upTo: number): Promise<void> {
    for (;;) {
      const waiting = this.#keysUpTo(upTo).slice(0, SETTLE_BATCH);
      if (waiting.length === 0) return;
      await Promise.all(waiting.map((key) => this.#shown(key, upTo)));
      const keys = waiting.filter((key) => this.#isUpTo(key, upTo));
      if (keys.length > 0) await this.#cache.invalidate({ keys });
      for (const key of keys) {
        const pending = this.#pending.get(key);
        if (pending === undefined) continue;
        if (pending.number <= upTo) this.#pending.delete(key);
        // Put meanwhile: the invalidation may have come after its value.
        else await this.#show(key);
      }
    }
  }

  /** Nothing that old is on its way to the tiers any more. */
  async #shown(key: string, upTo: number): Promise<void> {
    for (let showing = this.#showing.get(key); showing !== undefined; showing = this.#showing.get(key)) {
      if (!this.#isUpTo(key, upTo)) return;
      // Whoever put it hears why it did not get there.
      await (showing.next ?? showing.done).catch(() => undefined);
    }
  }

  #isUpTo(key: string, upTo: number): boolean {
    return (this.#pending.get(key)?.number ?? Number.POSITIVE_INFINITY) <= upTo;
  }

  #keysUpTo(upTo: number): string[] {
    return [...this.#pending].flatMap(([key, { number }]) => (number <= upTo ? [key] : []));
  }
}
