import {
  ConfigurationError,
  type Duration,
  type Issue,
  type Random,
  StoreUnavailableError,
  toMs,
} from '@spillway/kernel';
import { createBlockFetcher, isLasting } from './block-fetcher.ts';
import type { BlockSource } from './block-source.ts';
import { createIdStock } from './core/id-stock.ts';
import { createWaiters } from './waiters.ts';

export interface IdAllocatorOptions {
  readonly source: BlockSource;
  /** Ids per block, the same on every instance. Default 10,000. A process that dies burns what it holds: one block on average. */
  readonly blockSize?: number;
  /** The next block is fetched when less than this part of a block is left, 0 to 1. Default 0.5. */
  readonly prefetchAt?: number;
  /** How long a caller waits for a source that does not answer. Default `"2s"`. */
  readonly patience?: Duration;
  /** How many callers may wait at once (G7). Default 10,000. */
  readonly maxWaiting?: number;
  /** For metrics and messages. Default `"ids"`. */
  readonly name?: string;
  /** Jitter of the pauses between tries. Default `Math.random`. */
  readonly random?: Random;
}

/** Unique ids, counted up within blocks that no one else has (G1). Ids of different instances are not in order of time. */
export interface IdAllocator {
  /**
   * An id that was never given out before: a safe integer >= 1. At once, unless the ids in hand are used up.
   * @throws {StoreUnavailableError} when none is in hand and none can be had
   * @throws {OverloadedError} when `maxWaiting` callers wait already
   */
  next(options?: { signal?: AbortSignal }): Promise<number>;
  /** `count` ids (1 to 1,000,000) or none, ascending, not always adjacent. Errors as `next`. */
  take(count: number, options?: { signal?: AbortSignal }): Promise<number[]>;
  stats(): IdAllocatorStats;
  /** Waits for the block that is being fetched, and burns what is in hand. Calls fail from now on. */
  close(): Promise<void>;
}

export interface IdAllocatorStats {
  /** Ids given out, and ids in hand. */
  readonly issued: number;
  readonly remaining: number;
  /** Blocks taken, and by whom they were proposed (`redis`, `sql`, `memory`). */
  readonly blocks: number;
  /** The highest number of a block taken by this allocator, 0 at first: what `stepOver` needs after a restore. */
  readonly lastBlock: number;
  readonly proposals: Readonly<Record<string, number>>;
  /** Proposed numbers that turned out to be taken. */
  readonly conflicts: number;
  /** Tries that got no block. */
  readonly failures: number;
  /** Callers waiting now. */
  readonly waiting: number;
  readonly state: 'idle' | 'fetching' | 'paused' | 'closed';
}

const MAX_TAKE = 1_000_000;

export function createIdAllocator(options: IdAllocatorOptions): IdAllocator {
  const { source, blockSize, prefetchAt, patienceMs, maxWaiting, name, random } = parseOptions(options);
  const stock = createIdStock();
  const waiters = createWaiters({
    max: maxWaiting,
    patienceMs,
    tooLate: () => new StoreUnavailableError(name, fetcher.lastError, `gave no block of ids within ${patienceMs} ms`),
  });
  const threshold = blockSize * prefetchAt;
  let issued = 0;

  const fetcher = createBlockFetcher({
    name,
    source,
    blockSize,
    random,
    // Below the threshold even with everyone served; and always when there is nothing in hand at all.
    isWanted: () => stock.remaining - waiters.demand < Math.max(threshold, 1),
    onBlock(range) {
      stock.add(range);
      waiters.serve(stock);
      return stock.remaining;
    },
    onFailure(error) {
      waiters.giveUp(stock, refusal(error));
      return stock.remaining;
    },
  });

  const refusal = (error: unknown): unknown =>
    isLasting(error) ? error : new StoreUnavailableError(name, error, 'gave no block of ids');

  const wait = async (count: number, signal?: AbortSignal): Promise<number[]> => {
    if (fetcher.state === 'closed') throw new StoreUnavailableError(name, undefined, 'was closed');
    if (fetcher.state === 'paused') throw refusal(fetcher.lastError);
    const waiting = waiters.wait(count, signal);
    fetcher.poke();
    const ids = await waiting;
    issued += ids.length;
    return ids;
  };

  return {
    async next({ signal } = {}) {
      const id = fetcher.state === 'closed' ? undefined : stock.takeOne();
      if (id === undefined) return (await wait(1, signal))[0] as number;
      issued += 1;
      fetcher.poke();
      return id;
    },
    async take(count, { signal } = {}) {
      if (!Number.isInteger(count) || count < 1 || count > MAX_TAKE) {
        throw new RangeError(`take(${String(count)}): the count must be an integer from 1 to ${MAX_TAKE}`);
      }
      const ids = fetcher.state === 'closed' ? undefined : stock.take(count);
      if (ids === undefined) return wait(count, signal);
      issued += count;
      fetcher.poke();
      return ids;
    },
    stats: () => ({
      issued,
      remaining: stock.remaining,
      ...fetcher.counts,
      proposals: { ...fetcher.counts.proposals },
      waiting: waiters.size,
      state: fetcher.state,
    }),
    async close() {
      const closed = fetcher.close();
      waiters.giveUp(createIdStock(), new StoreUnavailableError(name, undefined, 'was closed'));
      await closed;
    },
  };
}

function parseOptions(options: IdAllocatorOptions) {
  const {
    source,
    blockSize = 10_000,
    prefetchAt = 0.5,
    maxWaiting = 10_000,
    name = 'ids',
    random = Math.random,
  } = options;
  const issues: Issue[] = [];
  const atLeastOne = (path: string, value: unknown) => {
    if (Number.isSafeInteger(value) && (value as number) >= 1) return;
    issues.push({ path, message: `must be an integer >= 1, got ${JSON.stringify(value)}` });
  };
  atLeastOne('blockSize', blockSize);
  atLeastOne('maxWaiting', maxWaiting);
  if (!(prefetchAt >= 0 && prefetchAt <= 1)) {
    issues.push({ path: 'prefetchAt', message: `must be from 0 to 1, got ${JSON.stringify(prefetchAt)}` });
  }
  if (issues.length > 0) throw new ConfigurationError('An id allocator can not be made like this:', issues);
  return { source, blockSize, prefetchAt, maxWaiting, name, random, patienceMs: toMs(options.patience ?? '2s') };
}
