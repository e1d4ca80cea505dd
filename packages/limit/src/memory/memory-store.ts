import { channel } from 'node:diagnostics_channel';
import { type Clock, ConfigurationError, monotonicClock, type Random, systemClock } from '@spillway/kernel';
import { blocked, unchanged } from '../core/answers.ts';
import type { Verdict } from '../core/decision.ts';
import { grantOf } from '../lease/grant-of.ts';
import type { LimitOverflowMessage } from '../messages.ts';
import type { Keys, MixedOperations, Refund, Reserve, Reserved, SynchronousLimitStore, Take } from '../store.ts';
import { holderOf } from '../strategies/concurrency/step.ts';
import type { OwnStrategy } from '../strategies/own/define-strategy.ts';
import type { BuiltInName, Policy, StrategyName } from '../strategies/policy.ts';
import { BlockList } from './block-list.ts';
import { BucketTable, isBucket } from './bucket-table.ts';
import { CalendarTable, hasWindows } from './calendar-table.ts';
import type { KeyTable } from './key-table.ts';
import { KnownIds } from './known-ids.ts';
import { StateTable } from './state-table.ts';

export interface MemoryLimitStoreOptions {
  /**
   * Keys in use at once, per policy; default 100,000: at most 16 MB of a bucket, 22 of a window or quota, 28 of a sliding window,
   * 48 of a log and 8 more for each further entry of a key; `docs/2.reference/memory.md` has them all. A key of which nothing is
   * missing does not count. Beyond it new keys share overflow states (`spillway:limit:overflow`): they may be
   * refused too early, never admitted too often. Takes of a concurrency policy are turned away there (`OverloadedError`). As many
   * blocks are kept, and as many ids.
   */
  readonly maxKeys?: number;
  /** Default: the monotonic clock, which never steps. */
  readonly clock?: Clock;
  /** For windows that begin at a time of day (`quota`, `fixed-window` aligned to the clock). Default: `clock`, else the system's. */
  readonly wallClock?: Clock;
  /** Strategies of your own that it counts by, too. */
  readonly strategies?: readonly Pick<OwnStrategy, 'name'>[];
  /** Seeds the choice of overflow states. Default `Math.random`. */
  readonly random?: Random;
}

export interface MemoryLimitStats {
  /** With a state of their own, over all policies. */
  readonly keys: number;
  /** Takes that overflow states decided. */
  readonly overflowed: number;
  readonly blocks: number;
  readonly ids: number;
  /** Ids that were forgotten for want of room: a repeat of theirs is charged once more. */
  readonly forgottenIds: number;
}

export interface MemoryLimitStore extends SynchronousLimitStore {
  readonly mixed: MixedOperations;
  stats(): MemoryLimitStats;
  reserve(key: string, policies: readonly Policy[], cost: number, reserve: Reserve): Promise<Reserved>;
  reserveNow(key: string, policies: readonly Policy[], cost: number, reserve: Reserve): Reserved;
}

const STRATEGIES: readonly BuiltInName[] = [
  'token-bucket',
  'gcra',
  'fixed-window',
  'sliding-window',
  'sliding-log',
  'quota',
  'concurrency',
];

const overflowChannel = channel('spillway:limit:overflow');

/**
 * Limits within one process. Takes are synchronous, and cost what a step of their strategy costs: O(1) for buckets and windows.
 * @throws {ConfigurationError} when `maxKeys` is not an integer >= 1
 */
export function memoryLimitStore(options: MemoryLimitStoreOptions = {}): MemoryLimitStore {
  const { maxKeys = 100_000, clock: given = monotonicClock, random = Math.random, strategies: own = [] } = options;
  const { wallClock = given === monotonicClock ? systemClock : given } = options;
  const clock = given === monotonicClock ? steadyClock() : given;
  if (!Number.isSafeInteger(maxKeys) || maxKeys < 1) {
    throw new ConfigurationError('The memory limit store is set up wrong:', [
      { path: 'maxKeys', message: `must be an integer >= 1, got ${String(maxKeys)}` },
    ]);
  }
  const blocks = new BlockList(maxKeys);
  const ids = new KnownIds(maxKeys);
  // As many tables as there are policies in the program's configuration.
  const tables = new Map<StrategyName, Map<string, KeyTable>>();
  let lastPolicy: Policy | undefined;
  let lastTable: KeyTable | undefined;
  const tableOf = (policy: Policy): KeyTable => {
    if (policy === lastPolicy && lastTable !== undefined) return lastTable;
    let named = tables.get(policy.strategy);
    if (named === undefined) {
      named = new Map();
      tables.set(policy.strategy, named);
    }
    let table = named.get(policy.name);
    if (table === undefined) {
      table = newTable(policy);
      named.set(policy.name, table);
    }
    lastPolicy = policy;
    lastTable = table;
    return table;
  };
  const newTable = (policy: Policy): KeyTable => {
    const seed = Math.floor(random() * 2 ** 32);
    // A table is only asked about policies of its own strategy.
    if (isBucket(policy)) return new BucketTable(maxKeys, seed) as KeyTable<never> as KeyTable;
    const states = new StateTable(policy, maxKeys, seed);
    return hasWindows(policy) ? (new CalendarTable(states, wallClock) as KeyTable<never> as KeyTable) : states;
  };

  const takeOne = (policy: Policy, key: string, nowUs: number, cost: number, id?: string): Verdict => {
    const table = tableOf(policy);
    const before = table.overflowed;
    const verdict = table.take(policy, key, nowUs, cost, id);
    if (table.overflowed !== before && overflowChannel.hasSubscribers) {
      overflowChannel.publish({ policy: policy.name, keys: table.size } satisfies LimitOverflowMessage);
    }
    return verdict;
  };

  const blockOf = (policy: Policy, key: string, nowUs: number): Verdict | undefined => {
    if (blocks.size === 0) return undefined;
    const leftUs = blocks.leftUs(placeOf(policy, key), nowUs);
    return leftUs > 0 ? blocked(leftUs) : undefined;
  };

  function takeAll(keys: Keys, policies: readonly Policy[], atUs: number, cost: number, id: string | undefined): Take {
    const known = id === undefined ? undefined : nameOf(keys, policies, id);
    const isKnown = known !== undefined && ids.costOf(known, atUs) !== undefined;
    const isFree = (policy: Policy): boolean => isKnown && policy.strategy !== 'concurrency';
    let isRefused = false;
    const foreseen = policies.map((policy, at): Verdict => {
      const key = keyAt(keys, at);
      const table = tableOf(policy);
      const ask = () => (isFree(policy) ? undefined : table.foresee(policy, key, atUs, cost, id));
      const verdict = blockOf(policy, key, atUs) ?? ask();
      if (verdict?.outcome === 'denied') {
        isRefused = true;
        return verdict;
      }
      return unchanged(table.peek(policy, key, atUs, 1));
    });
    if (isRefused) return { verdicts: foreseen, atUs };
    const verdicts = policies.map((policy, at) =>
      isFree(policy) ? (foreseen[at] as Verdict) : takeOne(policy, keyAt(keys, at), atUs, cost, id),
    );
    if (known !== undefined && !isKnown) ids.add(known, cost, atUs);
    return { verdicts, atUs };
  }

  function takeAt(keys: Keys, policies: readonly Policy[], atUs: number, cost: number, id?: string): Take {
    const only = policies[0];
    if (policies.length !== 1 || only === undefined || id !== undefined) return takeAll(keys, policies, atUs, cost, id);
    const key = keyAt(keys, 0);
    return { verdicts: [blockOf(only, key, atUs) ?? takeOne(only, key, atUs, cost)], atUs };
  }

  const takeNow = (keys: Keys, policies: readonly Policy[], cost: number, id?: string): Take =>
    takeAt(keys, policies, clock.nowUs(), cost, id);

  function reserveNow(keys: Keys, policies: readonly Policy[], cost: number, reserve: Reserve): Reserved {
    const atUs = clock.nowUs();
    for (const [at, policy] of policies.entries()) {
      const owed = reserve.owed?.[at];
      const key = keyAt(keys, at);
      if (owed === undefined || owed.units === 0 || blockOf(policy, key, atUs) !== undefined) continue;
      tableOf(policy).handOver(policy, key, atUs, owed.units, owed.atUs);
    }
    const take = takeAt(keys, policies, atUs, cost);
    const granted = grantOf(take.verdicts, reserve);
    let windowLeftUs = Number.POSITIVE_INFINITY;
    for (const [at, policy] of granted > 0 ? policies.entries() : []) {
      const key = keyAt(keys, at);
      takeOne(policy, key, atUs, granted);
      windowLeftUs = Math.min(windowLeftUs, tableOf(policy).windowLeftUs(policy, key, atUs));
    }
    return { ...take, granted, windowLeftUs };
  }

  const operations = {
    takeNow,
    take: async (keys: Keys, policies: readonly Policy[], cost: number, id?: string) =>
      takeNow(keys, policies, cost, id),
    reserve: async (keys: Keys, policies: readonly Policy[], cost: number, reserve: Reserve) =>
      reserveNow(keys, policies, cost, reserve),
    async peek(keys: Keys, policies: readonly Policy[], cost: number): Promise<readonly Verdict[]> {
      const nowUs = clock.nowUs();
      return policies.map((policy, at) => {
        const key = keyAt(keys, at);
        return blockOf(policy, key, nowUs) ?? tableOf(policy).peek(policy, key, nowUs, cost);
      });
    },
    async refund(keys: Keys, policies: readonly Policy[], { cost, takenAtUs, id }: Refund): Promise<void> {
      if (policies.some(({ strategy }) => strategy === 'concurrency')) holderOf(id);
      const nowUs = clock.nowUs();
      const known = id === undefined ? undefined : nameOf(keys, policies, id);
      const back = known === undefined ? cost : Math.min(cost, ids.costOf(known, nowUs) ?? 0);
      const chargedAtUs = known === undefined ? undefined : ids.chargedAtUs(known);
      if (known !== undefined) ids.delete(known);
      // A repeat was decided later than it had been charged.
      const atUs = chargedAtUs === undefined ? takenAtUs : Math.min(takenAtUs ?? nowUs, chargedAtUs);
      const taken = {
        ...(atUs === undefined ? {} : { atUs }),
        ...(id === undefined ? {} : { id }),
      };
      for (const [at, policy] of policies.entries()) {
        const key = keyAt(keys, at);
        if (blockOf(policy, key, nowUs) !== undefined) continue;
        if (back === 0 && policy.strategy !== 'concurrency') continue;
        tableOf(policy).refund(policy, key, nowUs, back, taken);
      }
    },
  };

  return {
    scope: 'process',
    strategies: new Set<StrategyName>([...STRATEGIES, ...own.map(({ name }) => name)]),
    ...operations,
    reserveNow,
    mixed: operations,
    async block(key, policies, forUs) {
      const nowUs = clock.nowUs();
      for (const policy of policies) {
        blocks.add(placeOf(policy, key), nowUs, forUs);
        tableOf(policy).reset(key);
      }
    },
    async reset(key, policies) {
      for (const policy of policies) {
        blocks.delete(placeOf(policy, key));
        tableOf(policy).reset(key);
      }
    },
    stats() {
      let keys = 0;
      let overflowed = 0;
      for (const named of tables.values()) {
        for (const table of named.values()) {
          keys += table.size;
          overflowed += table.overflowed;
        }
      }
      return { keys, overflowed, blocks: blocks.size, ids: ids.size, forgottenIds: ids.forgotten };
    },
  };
}

/** The monotonic clock, shown as a date: what is counted by it and what by the wall clock are not far apart. */
function steadyClock(): Clock {
  const aheadUs = systemClock.nowUs() - monotonicClock.nowUs();
  return { nowUs: () => Math.round(performance.now() * 1000) + aheadUs };
}

// Policies' names hold no line break: no two places meet.
const placeOf = ({ name }: Policy, key: string): string => `${name}\n${key}`;

const keyAt = (keys: Keys, at: number): string => (typeof keys === 'string' ? keys : (keys[at] ?? ''));

// What begins with a minus is no length: several keys are none.
const nameOf = (keys: Keys, policies: readonly Policy[], id: string): string => {
  const names = policies.map(({ name }) => name).join();
  if (typeof keys === 'string') return `${names}\n${keys.length}\n${keys}${id}`;
  return `${names}\n-${keys.map((key) => `${key.length}:${key}`).join('')}\n${id}`;
};
