import { channel } from 'node:diagnostics_channel';
import { type Clock, ConfigurationError, monotonicClock, type Random } from '@spillway/kernel';
import type { Verdict } from '../core/decision.ts';
import type { Policy } from '../strategies/policy.ts';
import type { LimitOverflowMessage } from '../messages.ts';
import type { SynchronousLimitStore } from '../store.ts';
import { BucketTable } from './bucket-table.ts';

export interface MemoryLimitStoreOptions {
  /**
   * Buckets in use at once, per policy; default 100,000, about 10 MB. A bucket that is full again does not count. Beyond it new
   * keys share overflow buckets (`spillway:limit:overflow`): they may be refused too early, never admitted too often.
   */
  readonly maxKeys?: number;
  /** Default: the monotonic clock, which never steps. */
  readonly clock?: Clock;
  /** Seeds the choice of overflow buckets. Default `Math.random`. */
  readonly random?: Random;
}

export interface MemoryLimitStore extends SynchronousLimitStore {
  /** Keys with a state, and takes that overflow buckets decided, over all policies. */
  stats(): { readonly keys: number; readonly overflowed: number };
}

const overflowChannel = channel('spillway:limit:overflow');

/**
 * Limits within one process. Takes are synchronous and O(1).
 * @throws {ConfigurationError} when `maxKeys` is not an integer >= 1
 */
export function memoryLimitStore(options: MemoryLimitStoreOptions = {}): MemoryLimitStore {
  const { maxKeys = 100_000, clock = monotonicClock, random = Math.random } = options;
  if (!Number.isSafeInteger(maxKeys) || maxKeys < 1) {
    throw new ConfigurationError('The memory limit store is set up wrong:', [
      { path: 'maxKeys', message: `must be an integer >= 1, got ${String(maxKeys)}` },
    ]);
  }
  // As many tables as there are policies in the program's configuration.
  const tables = new Map<string, BucketTable>();
  let lastPolicy: Policy | undefined;
  let lastTable: BucketTable | undefined;
  const tableOf = (policy: Policy): BucketTable => {
    if (policy === lastPolicy && lastTable !== undefined) return lastTable;
    let table = tables.get(policy.name);
    if (table === undefined) {
      table = new BucketTable(maxKeys, Math.floor(random() * 2 ** 32));
      tables.set(policy.name, table);
    }
    lastPolicy = policy;
    lastTable = table;
    return table;
  };
  const takeOne = (policy: Policy, key: string, nowUs: number, cost: number): Verdict => {
    const table = tableOf(policy);
    const before = table.overflowed;
    const verdict = table.take(policy, key, nowUs, cost);
    if (table.overflowed !== before && overflowChannel.hasSubscribers) {
      overflowChannel.publish({ policy: policy.name, keys: table.size } satisfies LimitOverflowMessage);
    }
    return verdict;
  };
  const peekAt = (nowUs: number, key: string, policies: readonly Policy[], cost: number): readonly Verdict[] =>
    policies.map((policy) => tableOf(policy).peek(policy, key, nowUs, cost));

  function takeNow(key: string, policies: readonly Policy[], cost: number): readonly Verdict[] {
    const nowUs = clock.nowUs();
    const [only] = policies;
    if (only !== undefined && policies.length === 1) return [takeOne(only, key, nowUs, cost)];
    const foreseen = peekAt(nowUs, key, policies, cost);
    if (foreseen.some((verdict) => verdict.outcome === 'denied')) return foreseen;
    return policies.map((policy) => takeOne(policy, key, nowUs, cost));
  }

  return {
    scope: 'process',
    takeNow,
    take: async (key, policies, cost) => takeNow(key, policies, cost),
    peek: async (key, policies, cost) => peekAt(clock.nowUs(), key, policies, cost),
    reset: async (key, policies) => {
      for (const policy of policies) tableOf(policy).reset(key);
    },
    stats() {
      let keys = 0;
      let overflowed = 0;
      for (const table of tables.values()) {
        keys += table.size;
        overflowed += table.overflowed;
      }
      return { keys, overflowed };
    },
  };
}
