import {
  type Bus,
  type Clock,
  ConfigurationError,
  type Duration,
  type Issue,
  isSpillwayError,
  MAX_TIMER_MS,
  monotonicClock,
  type Random,
  toMs,
} from '@spillway/kernel';
import type { CacheStore } from './store.ts';
import type { CacheCodec } from './values/codec.ts';
import { jsonCodec } from './values/json-codec.ts';

export interface CacheOptions<Value> {
  /** Part of every key in the store and of the bus topic; instances that share entries share the name. */
  readonly name: string;
  /** How long a value is fresh. `"0s"`: every `get` loads, and the last value is kept for `staleIfError` only. */
  readonly ttl: Duration;
  /** How long it is known that there is no value. Default: the shorter of `ttl` and `"30s"`. */
  readonly negativeTtl?: Duration;
  /** How long past its freshness a value may stand in when neither L2 nor the loader answers. Default `"24h"`. */
  readonly staleIfError?: Duration;
  /**
   * How long past its `ttl` a value may still answer at once, while one load refreshes it in the background. Only one that is known not to
   * have been invalidated: that L2 still holds, or that was read within `l1.ttl`. At most `staleIfError`; default `"0s"`: never.
   */
  readonly staleWhileRevalidate?: Duration;
  /**
   * Refreshes values in the background ahead of their end (XFetch): the beta of the paper, 1 is its optimum, more is earlier. Default 0:
   * never. How long a load takes is measured.
   */
  readonly earlyRefresh?: number;
  /** Default 10,000 entries, 64 MiB, and 5 s. */
  readonly l1?: L1Options | 'off';
  readonly l2?: CacheStore;
  /** Without it, another instance's change shows after at most `l1.ttl`. */
  readonly bus?: Bus;
  readonly loads?: LoadsOptions;
  /** Default: JSON that keeps Date, Map, Set, BigInt, Uint8Array, Buffer, undefined, NaN, the infinities and -0. */
  readonly codec?: CacheCodec<Value>;
  /** No text of more bytes than this is put into L2, nor read from it; such a value is served, and kept in L1. Default 8 MiB. */
  readonly maxEntryBytes?: number;
  /**
   * Which errors of a loader let a stale value stand in. Default: Spillway errors that are `retryable`. The error of a load in another
   * process (`loads.across`) comes as a `SharedLoadError`, as `retryable` as it was, with its name and code in `reason`.
   */
  readonly staleOnError?: (error: unknown) => boolean;
  /** The part of a `ttl` that is taken off at random, so that entries made together do not end together. 0 to 1; default 0.1. */
  readonly jitter?: number;
  /** Intervals only; default `monotonicClock`. */
  readonly clock?: Clock;
  /** For jitter; default `Math.random`. */
  readonly random?: Random;
}

export interface L1Options {
  /** At most so many entries. */
  readonly maxEntries: number;
  /** At most so many bytes of keys and values, as estimated. Default 64 MiB. */
  readonly maxBytes?: number;
  /** No entry is fresh for longer than this after its load or L2 read began; a hit does not prolong it. Default `"5s"`. */
  readonly ttl?: Duration;
}

export interface LoadsOptions {
  /** Loads running at a time. Default 64. */
  readonly concurrent: number;
  /** Loads waiting for room. Default 1,024. */
  readonly queued: number;
  /** A caller waits so long before a stale value stands in; the load goes on. Default `"250ms"`. */
  readonly softTimeout?: Duration;
  /** A caller waits so long if there is none; the load's signal aborts. Default `"5s"`. */
  readonly hardTimeout?: Duration;
  /**
   * Among whom a key is loaded once at a time. `'processes'` takes a lease in `l2` with each miss, in the same round trip, and one more
   * command after each load; who does not get it waits to be woken over `bus`, and looks every 100 ms where there is none. Default `'process'`.
   */
  readonly across?: 'process' | 'processes';
  /** How long a process that died or stopped while it loaded keeps the others waiting; renewed while a loader runs. Default `"1s"`. */
  readonly lease?: Duration;
}

/** `CacheOptions` with every default filled in and every duration in milliseconds. */
export interface ParsedOptions<Value> {
  readonly name: string;
  readonly ttlMs: number;
  readonly negativeTtlMs: number;
  readonly staleIfErrorMs: number;
  readonly staleWhileRevalidateMs: number;
  readonly earlyRefresh: number;
  readonly l1: { readonly maxEntries: number; readonly maxBytes: number; readonly ttlMs: number } | undefined;
  readonly l2: CacheStore | undefined;
  readonly bus: Bus | undefined;
  readonly loads: {
    readonly concurrent: number;
    readonly queued: number;
    readonly softTimeoutMs: number;
    readonly hardTimeoutMs: number;
    /** Undefined: each process loads for itself. */
    readonly leaseMs: number | undefined;
  };
  readonly codec: CacheCodec<Value>;
  readonly maxEntryBytes: number;
  readonly staleOnError: (error: unknown) => boolean;
  readonly jitter: number;
  readonly clock: Clock;
  readonly random: Random;
}

const DEFAULT_NEGATIVE_MS = 30_000;

/** @throws {ConfigurationError} with everything that is wrong */
export function parseOptions<Value>(options: CacheOptions<Value>): ParsedOptions<Value> {
  const issues: Issue[] = [];
  const check = createChecks(issues);
  const ttlMs = check.duration('ttl', options.ttl, 0);
  const l1 = options.l1 ?? { maxEntries: 10_000 };
  const loads = options.loads ?? { concurrent: 64, queued: 1_024 };
  const staleIfErrorMs = check.duration('staleIfError', options.staleIfError, 86_400_000);
  const parsed: ParsedOptions<Value> = {
    name: check.name(options.name),
    ttlMs,
    negativeTtlMs: check.duration('negativeTtl', options.negativeTtl, Math.min(ttlMs, DEFAULT_NEGATIVE_MS)),
    staleIfErrorMs,
    staleWhileRevalidateMs: check.atMost(
      'staleWhileRevalidate',
      check.duration('staleWhileRevalidate', options.staleWhileRevalidate, 0),
      { ms: staleIfErrorMs, of: 'staleIfError' },
    ),
    earlyRefresh: check.factor('earlyRefresh', options.earlyRefresh ?? 0),
    l1:
      l1 === 'off'
        ? undefined
        : {
            maxEntries: check.integer('l1.maxEntries', l1.maxEntries, 1),
            maxBytes: check.integer('l1.maxBytes', l1.maxBytes ?? 64 * 1024 * 1024, 1),
            ttlMs: check.duration('l1.ttl', l1.ttl, 5_000),
          },
    l2: options.l2,
    bus: options.bus,
    loads: {
      concurrent: check.integer('loads.concurrent', loads.concurrent, 1),
      queued: check.integer('loads.queued', loads.queued, 0),
      softTimeoutMs: check.timer('loads.softTimeout', loads.softTimeout, 250),
      hardTimeoutMs: check.timer('loads.hardTimeout', loads.hardTimeout, 5_000),
      leaseMs: parseLease(loads, options.l2, check, issues),
    },
    codec: options.codec ?? jsonCodec<Value>(),
    maxEntryBytes: check.integer('maxEntryBytes', options.maxEntryBytes ?? 8 * 1024 * 1024, 1),
    staleOnError: options.staleOnError ?? ((error) => isSpillwayError(error) && error.retryable),
    jitter: check.share('jitter', options.jitter ?? 0.1),
    clock: options.clock ?? monotonicClock,
    random: options.random ?? Math.random,
  };
  if (options.ttl === undefined) issues.push({ path: 'ttl', message: 'is missing; write e.g. "5m"' });
  if (issues.length > 0) throw new ConfigurationError('The cache has wrong options', issues);
  return parsed;
}

/** A lease that is shorter than this ends while its holder collects garbage. */
const LEAST_LEASE_MS = 50;

function parseLease(
  { across = 'process', lease }: LoadsOptions,
  l2: CacheStore | undefined,
  check: ReturnType<typeof createChecks>,
  issues: Issue[],
): number | undefined {
  const leaseMs = check.timer('loads.lease', lease, 1_000);
  if (lease !== undefined && leaseMs < LEAST_LEASE_MS) {
    issues.push({ path: 'loads.lease', message: `must be "${LEAST_LEASE_MS}ms" or more, got "${lease}"` });
  }
  if (across === 'process') return undefined;
  if (across !== 'processes') {
    const message = `must be "process" or "processes", got ${JSON.stringify(across) ?? String(across)}`;
    issues.push({ path: 'loads.across', message });
  } else if (l2 === undefined) {
    issues.push({ path: 'loads.across', message: 'is "processes", which needs an l2 to hold the leases; give one' });
  }
  return leaseMs;
}

function createChecks(issues: Issue[]) {
  const complain = (path: string, message: string): void => void issues.push({ path, message });
  const duration = (path: string, value: Duration | undefined, otherwise: number): number => {
    if (value === undefined) return otherwise;
    try {
      return toMs(value);
    } catch (error) {
      complain(path, error instanceof Error ? error.message : String(error));
      return otherwise;
    }
  };
  return {
    duration,
    timer(path: string, value: Duration | undefined, otherwise: number): number {
      const ms = duration(path, value, otherwise);
      if (ms < 1 || ms > MAX_TIMER_MS) complain(path, `must be from "1ms" to "24d", got "${value}"`);
      return ms;
    },
    integer(path: string, value: number, least: number): number {
      if (!Number.isSafeInteger(value) || value < least) {
        complain(path, `must be an integer >= ${least}, got ${JSON.stringify(value) ?? String(value)}`);
      }
      return value;
    },
    atMost(path: string, ms: number, bound: { ms: number; of: string }): number {
      if (ms > bound.ms) complain(path, `must not be longer than ${bound.of}, ${bound.ms} ms, got ${ms} ms`);
      return ms;
    },
    factor(path: string, value: number): number {
      if (!Number.isFinite(value) || value < 0) complain(path, `must be a number >= 0, 1 for the usual, got ${value}`);
      return value;
    },
    share(path: string, value: number): number {
      if (typeof value !== 'number' || !(value >= 0 && value <= 1)) complain(path, `must be from 0 to 1, got ${value}`);
      return value;
    },
    name(value: string): string {
      if (typeof value !== 'string' || value === '') complain('name', 'must be a string that is not empty');
      return value;
    },
  };
}
