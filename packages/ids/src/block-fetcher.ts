import { isSpillwayError, type Random } from '@spillway/kernel';
import { blockChannel } from './block-channel.ts';
import type { Block, BlockSource } from './block-source.ts';
import { type IdRange, rangeOfBlock } from './core/block-range.ts';
import { BlockOutOfRangeError } from './errors.ts';

/** After a failure the source is left alone for 50 ms, doubled with each further one up to 1 s, half of it by chance. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

export interface BlockFetcher {
  /** `paused` after a failure, until the next try. */
  readonly state: 'idle' | 'fetching' | 'paused' | 'closed';
  /** Why the last try failed; undefined after a success. */
  readonly lastError: unknown;
  readonly counts: BlockCounts;
  /** Fetches one block after the other for as long as `isWanted`; at most one at a time. Cheap to call when busy or paused. */
  poke(): void;
  close(): Promise<void>;
}

interface BlockCounts {
  readonly blocks: number;
  readonly lastBlock: number;
  readonly conflicts: number;
  readonly failures: number;
  readonly proposals: Readonly<Record<string, number>>;
}

export interface BlockFetcherOptions {
  readonly name: string;
  readonly source: BlockSource;
  readonly blockSize: number;
  readonly random: Random;
  readonly isWanted: () => boolean;
  /** Takes the ids; returns how many are in hand. */
  readonly onBlock: (range: IdRange) => number;
  /** Returns how many ids are in hand. */
  readonly onFailure: (error: unknown) => number;
}

export function createBlockFetcher(options: BlockFetcherOptions): BlockFetcher {
  const { name, source, blockSize, random, isWanted } = options;
  const counts = { blocks: 0, lastBlock: 0, conflicts: 0, failures: 0, proposals: {} as Record<string, number> };
  const closing = new AbortController();
  let state: BlockFetcher['state'] = 'idle';
  let lastError: unknown;
  let failuresInARow = 0;
  let flight: Promise<void> = Promise.resolve();
  let pause: NodeJS.Timeout | undefined;

  const landed = (block: Block, startedMs: number) => {
    const range = rangeOfBlock(block.number, blockSize);
    if (range === undefined) throw new BlockOutOfRangeError(block.number, blockSize);
    lastError = undefined;
    failuresInARow = 0;
    counts.blocks += 1;
    counts.lastBlock = Math.max(counts.lastBlock, block.number);
    counts.conflicts += block.conflicts;
    counts.proposals[block.proposedBy] = (counts.proposals[block.proposedBy] ?? 0) + 1;
    const first = range.next;
    const remaining = options.onBlock(range);
    if (blockChannel.hasSubscribers) {
      const tookMs = performance.now() - startedMs;
      blockChannel.publish({ outcome: 'taken', allocator: name, ...block, first, size: blockSize, tookMs, remaining });
    }
  };

  const failed = (error: unknown, startedMs: number) => {
    lastError = error;
    failuresInARow += 1;
    counts.failures += 1;
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failuresInARow - 1, 10));
    state = 'paused';
    pause = setTimeout(resume, longest / 2 + (random() * longest) / 2);
    // The pause alone does not keep a process alive: whoever needs an id is waiting with a timer of his own.
    pause.unref();
    const remaining = options.onFailure(error);
    if (blockChannel.hasSubscribers) {
      const tookMs = performance.now() - startedMs;
      blockChannel.publish({ outcome: 'failed', allocator: name, error, tookMs, remaining });
    }
  };

  const fetchOne = async (): Promise<void> => {
    const startedMs = performance.now();
    try {
      const block = await source.next({ blockSize, signal: closing.signal });
      if (state === 'closed') return;
      state = 'idle';
      landed(block, startedMs);
    } catch (error) {
      if (state !== 'closed') failed(error, startedMs);
    }
  };

  const poke = () => {
    if (state !== 'idle' || !isWanted()) return;
    state = 'fetching';
    flight = fetchOne().then(poke);
  };

  const resume = () => {
    if (state !== 'paused') return;
    state = 'idle';
    poke();
  };

  return {
    get state() {
      return state;
    },
    get lastError() {
      return lastError;
    },
    counts,
    poke,
    async close() {
      state = 'closed';
      clearTimeout(pause);
      closing.abort();
      await flight;
    },
  };
}

/** Errors that trying again can not mend: a wrong block size, ids used up. */
export const isLasting = (error: unknown): boolean => isSpillwayError(error) && !error.retryable;
