import { ConfigurationError, type Duration, type Issue, MAX_TIMER_MS, toMs } from '@spillway/kernel';
import { bloomShape, MAX_BITS } from '../core/bloom/bloom-shape.ts';
import type { BloomStore } from './bloom-store.ts';

export interface BloomFilterOptions {
  /** Whose keys. Filters of different names never meet. */
  readonly name: string;
  /** `redisBloomStore({ link })`, or `memoryBloomStore()` for one process alone. */
  readonly store: BloomStore;
  /** Keys it is made for. Beyond, it says `maybe` more often than `errorRate`. */
  readonly capacity: number;
  /** The share of absent keys that are not seen to be absent. Default 0.01: 9.6 bits per key. */
  readonly errorRate?: number;
  /** All keys there are, as committed when it is called: a cursor over the table. Called for each rebuild. */
  readonly source: () => AsyncIterable<string>;
  /**
   * The longest time from `add` to the commit of what was added. A rebuild waits so long before it reads the source: so it reads whatever was
   * added before it began. Default `"30s"`.
   */
  readonly commitWithin?: Duration;
  /** Builds a new generation so often, which forgets deleted keys. Default: only when there is none. */
  readonly rebuildEvery?: Duration;
}

/** @throws {ConfigurationError} with everything that is wrong */
export function parseBloomOptions(options: BloomFilterOptions) {
  const { name, capacity, errorRate = 0.01, commitWithin = '30s', rebuildEvery } = options;
  const issues: Issue[] = [];
  const check = (isRight: boolean, path: string, message: string) => {
    if (!isRight) issues.push({ path, message });
    return isRight;
  };
  const timer = (path: string, value: Duration): number => {
    try {
      const ms = toMs(value);
      check(ms >= 1 && ms <= MAX_TIMER_MS, path, `must be from "1ms" to "24d", got "${value}"`);
      return ms;
    } catch (error) {
      check(false, path, error instanceof Error ? error.message : String(error));
      return 0;
    }
  };
  check(typeof name === 'string' && name !== '', 'name', 'must be a string that is not empty');
  const sized = [
    check(Number.isSafeInteger(capacity) && capacity >= 1, 'capacity', `must be an integer >= 1, got ${capacity}`),
    check(errorRate >= 1e-9 && errorRate <= 0.5, 'errorRate', `must be from 1e-9 to 0.5, got ${errorRate}`),
  ].every(Boolean);
  const shape = sized ? bloomShape(capacity, errorRate) : { bits: 64, hashes: 1 };
  check(
    shape.bits <= MAX_BITS,
    'capacity',
    `needs ${shape.bits} bits at this errorRate, and a bitmap has at most ${MAX_BITS}`,
  );
  const commitWithinMs = timer('commitWithin', commitWithin);
  const rebuildEveryMs = rebuildEvery === undefined ? undefined : timer('rebuildEvery', rebuildEvery);
  if (issues.length > 0) throw new ConfigurationError('The Bloom filter has wrong options', issues);
  return { shape, commitWithinMs, rebuildEveryMs };
}
