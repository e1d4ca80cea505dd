import { ConfigurationError, type Duration, type Issue, StoreUnavailableError, toMs } from '@spillway/kernel';
import type { CacheCodec } from '../values/codec.ts';
import { jsonCodec } from '../values/json-codec.ts';
import { toFlushOptions } from './flush-options.ts';
import { pause } from './pause.ts';
import { toWrites, type Write } from './to-writes.ts';
import type { LoggedWrite, WriteLog } from './write-log.ts';

export interface MemoryWriteLogOptions<Value> {
  /**
   * Writes all of these to the truth: one per key, in the order of the keys. When it throws it is called again, with these and what came
   * since, so twice must be as good as once; and once it has settled it must not go on, over what a later call has written.
   */
  readonly write: (writes: readonly Write<Value>[]) => Promise<void>;
  /**
   * Whether what `write` threw would be thrown for ever: then the batch is tried in halves, and what is refused alone is given to this
   * and dropped. Default: nothing is ever given up.
   */
  readonly refused?: (write: Write<Value>, error: unknown) => 'drop' | 'retry';
  /** At most so many writes wait; one key's are one. Default 10,000. */
  readonly maxWrites?: number;
  /** At most so many go at a time. Default 500. */
  readonly maxBatch?: number;
  /** How long the first of a batch waits for others. Default `"50ms"`. */
  readonly every?: Duration;
  /** As that of the `writeBehind` that fills the log. Default `jsonCodec()`. */
  readonly codec?: CacheCodec<Value>;
}

export interface MemoryWriteLog extends WriteLog {
  /** Writes waiting, or being written. */
  readonly size: number;
  /** Takes no more, and writes what waits, at most for `timeout` (default `"10s"`). What is not written by then is lost. */
  close(options?: { readonly timeout?: Duration }): Promise<void>;
}

interface Numbered extends LoggedWrite {
  readonly number: number;
}

/**
 * A log in this process: what it was given and has not written is lost with the process, however that ends. For values whose last
 * seconds may be lost, and for tests.
 * @throws {ConfigurationError} with everything that is wrong in `options`
 */
export function memoryWriteLog<Value>(options: MemoryWriteLogOptions<Value>): MemoryWriteLog {
  const { write, refused = () => 'retry', codec = jsonCodec<Value>() } = options;
  const { maxWrites, maxBatch, everyMs } = parse(options);
  // One per key, in the order in which the keys came; one that is put again keeps its place.
  const waiting = new Map<string, Numbered>();
  let writing: readonly Numbered[] = [];
  let count = 0;
  let open = true;
  let working = false;
  let wake = (): void => undefined;
  const stopped = new AbortController();
  const watchers = new Set<(written: readonly Numbered[]) => void>();

  const writeAll = async (writes: readonly Write<Value>[]): Promise<void> => {
    try {
      await write(writes);
    } catch (error) {
      const [first, ...others] = writes;
      if (first === undefined) return;
      if (others.length === 0) {
        if (refused(first, error) === 'drop') return;
        throw error;
      }
      if (options.refused === undefined) throw error;
      const half = Math.ceil(writes.length / 2);
      await writeAll(writes.slice(0, half));
      await writeAll(writes.slice(half));
    }
  };

  const work = async (): Promise<void> => {
    working = true;
    let waitMs = 50;
    while (waiting.size > 0 && !stopped.signal.aborted) {
      if (open) await gather();
      writing = [...waiting.values()].slice(0, maxBatch);
      for (const { key } of writing) waiting.delete(key);
      try {
        await writeAll(toWrites(writing, codec));
        waitMs = 50;
        const written = writing;
        writing = [];
        for (const tell of watchers) tell(written);
      } catch {
        // Older than what came since: of a key that was put again meanwhile the new one counts.
        const newer = [...waiting.values()];
        waiting.clear();
        for (const each of [...writing, ...newer]) waiting.set(each.key, each);
        writing = [];
        await pause(waitMs, stopped.signal);
        waitMs = Math.min(2 * waitMs, 2_000);
      }
    }
    working = false;
  };

  const gather = (): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, everyMs);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  /** Until these, or later ones of the same keys, are written. */
  const written = (due: Map<string, number>, signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        watchers.delete(watch);
        signal?.removeEventListener('abort', stop);
        settle();
      };
      const watch = (batch: readonly Numbered[]): void => {
        for (const { key, number } of batch) if (number >= (due.get(key) ?? Number.POSITIVE_INFINITY)) due.delete(key);
        if (due.size === 0) end(resolve);
      };
      const stop = (): void => end(() => reject(new StoreUnavailableError('flush', signal?.reason)));
      watchers.add(watch);
      signal?.addEventListener('abort', stop, { once: true });
      if (signal?.aborted === true) stop();
      else watch([]);
    });

  const log: MemoryWriteLog = {
    get size() {
      return waiting.size + writing.length;
    },
    publish(each) {
      if (!open || (waiting.size + writing.length >= maxWrites && !waiting.has(each.key))) return false;
      count += 1;
      waiting.set(each.key, { ...each, number: count });
      if (!working) void work();
      return true;
    },
    async flush({ signal } = {}) {
      const due = new Map([...writing, ...waiting.values()].map(({ key, number }) => [key, number]));
      await written(due, signal);
    },
    async close({ timeout = '10s' } = {}) {
      open = false;
      wake();
      try {
        await log.flush(toFlushOptions({ timeout }));
      } finally {
        stopped.abort();
      }
    },
  };
  return log;
}

type Bounds = Pick<MemoryWriteLogOptions<unknown>, 'maxWrites' | 'maxBatch' | 'every'>;

function parse({ maxWrites = 10_000, maxBatch = 500, every = '50ms' }: Bounds) {
  const issues: Issue[] = [];
  for (const [path, value] of Object.entries({ maxWrites, maxBatch })) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    issues.push({ path, message: `must be an integer >= 1, got ${JSON.stringify(value)}` });
  }
  let everyMs = 0;
  try {
    everyMs = toMs(every);
  } catch (error) {
    issues.push({ path: 'every', message: error instanceof Error ? error.message : String(error) });
  }
  if (issues.length > 0) throw new ConfigurationError('The write log in memory has wrong options', issues);
  return { maxWrites, maxBatch, everyMs };
}
