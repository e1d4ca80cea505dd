import type { Clock, Random } from '@spillway/kernel';
import type { Cache } from '../cache.ts';
import { createCache } from '../create-cache.ts';
import type { CacheOptions } from '../options.ts';
import type { CacheSpace, CacheStore } from '../store.ts';
import { type MemoryBus, memoryBuses } from './memory-bus.ts';
import { type MemoryCacheStore, memoryCacheStore } from './memory-cache-store.ts';

/** A clock that stands until it is told to go on. */
export interface HandClock extends Clock {
  advanceMs(ms: number): void;
}

export function handClock(): HandClock {
  let nowUs = 1_000_000;
  return {
    nowUs: () => nowUs,
    advanceMs: (ms) => {
      nowUs += ms * 1000;
    },
  };
}

/** Two instances on one store and one bus, a truth to load from, and a clock in hand. */
export interface Fixture {
  readonly clock: HandClock;
  readonly store: MemoryCacheStore;
  readonly truth: Map<string, string>;
  readonly a: Cache<string>;
  readonly b: Cache<string>;
  readonly busA: MemoryBus;
  readonly busB: MemoryBus;
  /** Reads the truth. */
  readonly load: (key: string) => Promise<string | undefined>;
  /** How often `load` ran. */
  loads(): number;
  create(options?: Partial<CacheOptions<string>>): Cache<string>;
}

/** @param alter what the caches get in place of the store's own spaces */
export function fixture(
  options: Partial<CacheOptions<string>> = {},
  alter: (space: CacheSpace) => CacheSpace = (space) => space,
): Fixture {
  const clock = handClock();
  const store = memoryCacheStore(clock);
  const nextBus = memoryBuses();
  const [busA, busB] = [nextBus(), nextBus()];
  const truth = new Map<string, string>();
  const random: Random = () => 0;
  let loads = 0;
  const l2: CacheStore = {
    get state() {
      return store.state;
    },
    onState: store.onState,
    open: (name) => alter(store.open(name)),
  };
  const create = (own: Partial<CacheOptions<string>> = {}): Cache<string> =>
    createCache<string>({ name: 'test', ttl: '1m', l2, clock, random, ...options, ...own });
  return {
    clock,
    store,
    truth,
    busA,
    busB,
    a: create({ bus: busA }),
    b: create({ bus: busB }),
    create,
    loads: () => loads,
    load: async (key) => {
      loads += 1;
      return truth.get(key);
    },
  };
}

/** A promise to be settled by hand. */
export function gate<Value = void>(): PromiseWithResolvers<Value> {
  return Promise.withResolvers<Value>();
}

/** Lets everything that is ready run. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
