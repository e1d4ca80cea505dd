import {
  type Bus,
  type Clock,
  ConfigurationError,
  type Duration,
  type Issue,
  type Random,
  toMs,
} from '@spillway/kernel';
import type { L1Options } from '../options.ts';
import type { CacheStore } from '../store.ts';

export interface ResponseCacheOptions {
  /** Instances that share responses share the name. Shown in `Cache-Status`. */
  readonly name: string;
  readonly l2?: CacheStore;
  /** Without it, another instance's purge shows after at most `l1.ttl`. */
  readonly bus?: Bus;
  /** Default 10,000 entries and 64 MiB; `ttl` 5 s where there is an `l2`. */
  readonly l1?: L1Options;
  /** Larger bodies pass through, unstored. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** The longest that a response is fresh here, whatever it says. Default `"24h"`. */
  readonly keep?: Duration;
  /** The longest that one is kept beyond, for `stale-while-revalidate` and `stale-if-error`. Default `"1h"`. */
  readonly maxStale?: Duration;
  /** Others wait so long for the route that runs for them; then their own runs. Default `"5s"`. */
  readonly waitFor?: Duration;
  /**
   * Request fields that name who asks, besides `Authorization` and `Cookie`, and are treated as `Authorization`.
   * Default `["proxy-authorization", "x-api-key"]`.
   */
  readonly credentialFields?: readonly string[];
  /** Whether `Cache-Status` tells the key: a digest. Default false. */
  readonly showKey?: boolean;
  /** Intervals only; default `monotonicClock`. */
  readonly clock?: Clock;
  /** The wall clock, for `Date`, `Expires` and `Age`: milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
  /** For jitter; default `Math.random`. */
  readonly random?: Random;
}

export interface ParsedResponseCacheOptions {
  readonly name: string;
  readonly l1: L1Options;
  readonly l2: CacheStore | undefined;
  readonly bus: Bus | undefined;
  readonly maxBodyBytes: number;
  readonly keep: Duration;
  readonly keepMs: number;
  readonly maxStale: Duration;
  readonly maxStaleMs: number;
  readonly waitFor: Duration;
  readonly credentialFields: readonly string[];
  readonly showKey: boolean;
  readonly clock: Clock | undefined;
  readonly now: () => number;
  readonly random: Random | undefined;
}

const MiB = 1024 * 1024;

/** @throws {ConfigurationError} with everything that is wrong */
export function parseResponseCacheOptions(options: ResponseCacheOptions): ParsedResponseCacheOptions {
  const issues: Issue[] = [];
  const { name, l2, bus, clock, random, maxBodyBytes = MiB } = options;
  const { keep = '24h', maxStale = '1h', waitFor = '5s', now = Date.now, showKey = false } = options;
  if (typeof name !== 'string' || name === '')
    issues.push({ path: 'name', message: 'must be a string that is not empty' });
  if (!Number.isSafeInteger(maxBodyBytes) || maxBodyBytes < 0) {
    issues.push({ path: 'maxBodyBytes', message: `must be an integer >= 0, got ${String(maxBodyBytes)}` });
  }
  const keepMs = parseMs(issues, 'keep', keep);
  const maxStaleMs = parseMs(issues, 'maxStale', maxStale);
  const waitMs = parseMs(issues, 'waitFor', waitFor);
  if (keepMs < 1000) issues.push({ path: 'keep', message: `must be at least "1s", got "${keep}"` });
  if (waitMs < 1) issues.push({ path: 'waitFor', message: `must be at least "1ms", got "${waitFor}"` });
  if (issues.length > 0) throw new ConfigurationError('The response cache has wrong options', issues);
  // Alone, nobody else could know better: what is in L1 stays fresh for as long as it says.
  const alone = l2 === undefined && bus === undefined;
  const l1 = options.l1 ?? { maxEntries: 10_000 };
  return {
    name,
    l1: alone && l1.ttl === undefined ? { ...l1, ttl: keep } : l1,
    l2,
    bus,
    maxBodyBytes,
    keep,
    keepMs,
    maxStale,
    maxStaleMs,
    waitFor,
    credentialFields: (options.credentialFields ?? ['proxy-authorization', 'x-api-key']).map((field) =>
      field.toLowerCase(),
    ),
    showKey,
    clock,
    now,
    random,
  };
}

/** Adds to `issues` what is wrong with a duration. */
export function parseMs(issues: Issue[], path: string, value: Duration): number {
  try {
    return toMs(value);
  } catch (error) {
    issues.push({ path, message: error instanceof Error ? error.message : String(error) });
    return 60_000;
  }
}
