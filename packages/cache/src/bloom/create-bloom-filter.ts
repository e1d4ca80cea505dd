import { bloomBits } from '../core/bloom/bloom-shape.ts';
import { type BloomBatch, MAX_BATCH } from './bloom-store.ts';
import { keyHash } from './key-hash.ts';
import { type BloomFilterOptions, parseBloomOptions } from './parse-bloom-options.ts';
import { type Rebuilt, rebuild } from './rebuild.ts';

/** Counts since the filter was made. */
export interface BloomStats {
  /** Keys that were seen to be absent. */
  readonly absent: number;
  readonly maybe: number;
  /** Of these: since there was no complete generation, or no store. */
  readonly unknown: number;
  readonly rebuilt: number;
  readonly rebuildsFailed: number;
}

/**
 * Says of most keys that do not exist that they do not, without asking the truth: against requests for made-up keys. It never calls a key
 * absent that exists, as long as `add` comes first: whenever it can not know, it says `maybe`.
 */
export interface BloomFilter {
  /** Never rejects: with the store away, lost or not built yet it is `maybe`. */
  has(key: string): Promise<'maybe' | 'absent'>;
  /** In the order of the keys, in as many round trips as there are hundreds of them. */
  hasMany(keys: readonly string[]): Promise<readonly ('maybe' | 'absent')[]>;
  /**
   * Await it **before** you commit a new key, and commit within `commitWithin`.
   * @throws {StoreUnavailableError} when nobody knows whether it is in: do not commit then, or commit, and `rebuild` before you answer
   */
  add(keys: string | readonly string[]): Promise<void>;
  /**
   * A new generation from the source; the one before answers until it is complete. The filter begins one by itself where there is none.
   * @throws what the source throws, and `StoreUnavailableError`
   */
  rebuild(): Promise<Rebuilt>;
  stats(): BloomStats;
  /** Ends rebuilding. The store stays open. */
  close(): Promise<void>;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;

/** @throws {ConfigurationError} with everything that is wrong in `options` */
export function createBloomFilter(options: BloomFilterOptions): BloomFilter {
  const { shape, commitWithinMs, rebuildEveryMs } = parseBloomOptions(options);
  const space = options.store.open(options.name, shape);
  const stats = { absent: 0, maybe: 0, unknown: 0, rebuilt: 0, rebuildsFailed: 0 };
  const closed = new AbortController();
  let running: Promise<Rebuilt> | undefined;
  let pauseMs = FIRST_PAUSE_MS;
  let notBeforeMs = 0;

  const bitsOf = (key: string): number[] => bloomBits(keyHash(key), shape);
  async function* batches(): AsyncIterable<BloomBatch> {
    let batch: number[][] = [];
    for await (const key of options.source()) {
      batch.push(bitsOf(key));
      if (batch.length < MAX_BATCH) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }
  const runOnce = (): Promise<Rebuilt> => {
    running ??= rebuild(space, batches, commitWithinMs, closed.signal)
      .then((outcome) => {
        stats[outcome === 'rebuilt' ? 'rebuilt' : 'rebuildsFailed'] += outcome === 'busy' ? 0 : 1;
        return outcome;
      })
      .catch((error: unknown) => {
        stats.rebuildsFailed += 1;
        throw error;
      })
      .finally(() => {
        running = undefined;
      });
    return running;
  };
  // Each failure doubles the pause: a source is not read again and again for a store that loses what it is told.
  const runInBackground = (): void => {
    if (running !== undefined || closed.signal.aborted || performance.now() < notBeforeMs) return;
    const rest = (): void => {
      notBeforeMs = performance.now() + pauseMs;
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    };
    runOnce().then((outcome) => {
      if (outcome === 'rebuilt') pauseMs = FIRST_PAUSE_MS;
      else rest();
    }, rest);
  };
  const timer = rebuildEveryMs === undefined ? undefined : setInterval(runInBackground, rebuildEveryMs).unref();

  const check = async (keys: readonly string[]): Promise<readonly ('maybe' | 'absent')[]> => {
    const answer = await space.check(keys.map(bitsOf)).catch(() => 'away' as const);
    // Not while the store is away: it has to be reached for a rebuild as well.
    if (answer === undefined) runInBackground();
    if (answer === undefined || answer === 'away') {
      stats.unknown += keys.length;
      stats.maybe += keys.length;
      return keys.map(() => 'maybe');
    }
    return keys.map((_, at) => {
      const word = answer[at] === false ? 'absent' : 'maybe';
      stats[word] += 1;
      return word;
    });
  };
  return {
    has: async (key) => (await check([key]))[0] ?? 'maybe',
    hasMany: async (keys) => (await Promise.all(chunks(keys).map(check))).flat(),
    async add(keys) {
      await Promise.all(chunks(typeof keys === 'string' ? [keys] : keys).map((each) => space.add(each.map(bitsOf))));
    },
    rebuild: () => runOnce(),
    stats: () => ({ ...stats }),
    async close() {
      clearInterval(timer);
      closed.abort(new Error(`The Bloom filter "${options.name}" is closed`));
      await running?.catch(() => undefined);
    },
  };
}

function chunks(keys: readonly string[]): (readonly string[])[] {
  const parts: (readonly string[])[] = [];
  for (let at = 0; at < keys.length; at += MAX_BATCH) parts.push(keys.slice(at, at + MAX_BATCH));
  return parts;
}
