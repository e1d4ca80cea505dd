import { type Random, StoreUnavailableError, seededRandom } from '@spillway/kernel';
import type { BatchLoader, Cache, Look, SetOptions } from '../../src/cache.ts';
import type { CacheOptions } from '../../src/options.ts';
import type { CacheSpace } from '../../src/store.ts';
import { createChaos } from '../../src/testing/chaos/chaos.ts';
import { chaosCacheSpace } from '../../src/testing/chaos/chaos-cache-store.ts';
import { fixture, settle } from '../../src/testing/fixture.ts';
import type { MemoryBus } from '../../src/testing/memory-bus.ts';

/** Breaks the store before the caches open it, or a bus. */
export interface Mutant {
  readonly space?: (space: CacheSpace) => CacheSpace;
  readonly bus?: (bus: MemoryBus) => void;
  /** In place of `cache.write`. */
  readonly write?: (
    cache: Cache<string>,
    key: string,
    change: () => Promise<string>,
    options: SetOptions,
  ) => Promise<unknown>;
}

export interface InterleavingOptions {
  readonly seed: number;
  readonly steps: number;
  /** What the caches have besides, or instead. */
  readonly options?: Partial<CacheOptions<string>>;
  /** Values are loaded and set under a tag, and most changes are told by it. */
  readonly tagged?: boolean;
  /** Breaks the fixture on purpose: what checks it must notice. */
  readonly mutate?: Mutant;
  /** Leases: one load per key for both instances. `idle` is called when only time can bring anything on, and lets some pass. */
  readonly leases?: { readonly idle: () => void };
}

export interface Stale {
  readonly seed: number;
  readonly key: string;
  readonly got: number;
  readonly atLeast: number;
}

type Write = 'invalidate' | 'expire' | 'set' | 'write';

const KEYS = ['a', 'b'];

/**
 * Two instances read, write and set a few keys at the same time, and every step in between (what the store does, its answer on the way
 * back, the row that a loader has read) waits until the seed says that it goes on. What is asked of the store fails now and then, with
 * or without effect, and one bus is cut and restored. Returns each answer that was older than the last write that had been answered
 * when it was asked for.
 */
export async function interleave(given: InterleavingOptions): Promise<readonly Stale[]> {
  const { seed, steps, options, tagged = false, mutate, leases } = given;
  const random = seededRandom(seed);
  const parked: (() => void)[] = [];
  let over = false;
  const park = (): Promise<void> => (over ? Promise.resolve() : new Promise((resolve) => void parked.push(resolve)));
  // What failed may have been done, but a change is not done later: one that goes on after it failed is not for any cache.
  const chaos = createChaos({ seed, weather: { refuse: 0.05, loseReply: 0.05 }, wait: park });
  // Half of the searches: both make what else goes wrong rarer.
  const through = seed % 2 === 1;
  const late = createChaos({ seed: seed + 1, weather: through ? { late: 0.02 } : {}, wait: park });
  const loads = { concurrent: 10, queued: 1_000, across: leases === undefined ? 'process' : 'processes' } as const;
  const more = options === undefined ? {} : { random: seededRandom(-seed), ...options };
  const world = fixture({ loads, ttl: '10m', ...more }, (space) => {
    const under = chaosCacheSpace(space, late);
    return mutate?.space?.(under) ?? under;
  });
  const { store, truth, a, b, busA, busB, clock } = world;
  store.before = async (operation) => {
    await park();
    if (operation !== 'forget' && chaos.strikes('refuse')) throw new StoreUnavailableError(operation);
  };
  store.after = async (operation) => {
    await park();
    // Carried out, but nobody hears of it.
    if (operation !== 'forget' && chaos.strikes('loseReply')) throw new StoreUnavailableError(operation);
  };
  const writeThrough = mutate?.write ?? ((cache, key, change, more) => cache.write(key, change, more));
  const sometimes = (share: number): boolean => random() < share;
  if (mutate?.bus !== undefined) mutate.bus(busA);

  const answered = new Map<string, number>();
  // The same without expirations, after which something older may stand in.
  const barred = new Map<string, number>();
  const versions = new Map<string, number>();
  const stale: Stale[] = [];
  let cut = false;
  // Deletes that were pending when b could not hear of it: until they are made and told, it may find the old value in the store.
  let unheard = false;
  const load = async (key: string): Promise<string | undefined> => {
    await park();
    const row = truth.get(key);
    await park();
    return row;
  };
  const under = (key: string) => (tagged ? { tags: [`tag ${key}`] } : {});
  const read = async (cache: Cache<string>, key: string): Promise<void> => {
    const [newest, oldest] = [answered.get(key) ?? 0, barred.get(key) ?? 0];
    const blind = (cut || unheard) && cache === b;
    let look: Look<string>;
    try {
      look = await cache.look(key, load, under(key));
    } catch (error) {
      // It waited for the other one, and the clock was moved past its hard timeout.
      if (leases === undefined) throw error;
      return;
    }
    const value = Number(look.value ?? 0);
    const atLeast = look.from === 'stale' ? oldest : newest;
    if (!blind && value < atLeast) stale.push({ seed, key, got: value, atLeast });
  };
  const loadMany: BatchLoader<string> = async (keys) => {
    await park();
    const rows = new Map(keys.map((key) => [key, truth.get(key)]));
    await park();
    return rows;
  };
  const readMany = async (cache: Cache<string>): Promise<void> => {
    // With leases time passes, and after the soft timeout what has expired may stand in; `getMany` does not say so.
    const newest = leases === undefined ? answered : barred;
    const atLeast = KEYS.map((key) => newest.get(key) ?? 0);
    const blind = (cut || unheard) && cache === b;
    let values: (string | undefined)[];
    try {
      values = await cache.getMany(KEYS, loadMany, tagged ? { tags: KEYS.map((key) => `tag ${key}`) } : {});
    } catch (error) {
      if (leases === undefined) throw error;
      return;
    }
    for (const [at, key] of KEYS.entries()) {
      const got = Number(values[at] ?? 0);
      if (!blind && got < (atLeast[at] ?? 0)) stale.push({ seed, key, got, atLeast: atLeast[at] ?? 0 });
    }
  };
  const writing = new Map<string, { writes: number; sets: number }>();
  const write = async (cache: Cache<string>, key: string, how: Write): Promise<void> => {
    const others = writing.get(key) ?? { writes: 0, sets: 0 };
    // A `set` brings a value of its own: beside another write nobody could tell which of the two is newer.
    if (others.sets > 0 || (how === 'set' && others.writes > 0)) return;
    writing.set(key, { writes: others.writes + 1, sets: how === 'set' ? 1 : 0 });
    let version = 0;
    const change = (): string => {
      version = (versions.get(key) ?? 0) + 1;
      versions.set(key, version);
      truth.set(key, String(version));
      return String(version);
    };
    const changeSlowly = async (): Promise<string> => {
      await park();
      const row = change();
      await park();
      return row;
    };
    const update = () => chaos.call('UPDATE', changeSlowly);
    if (how === 'write') await writeThrough(cache, key, update, under(key)).catch(() => undefined);
    else if (how === 'set') await cache.set(key, change(), under(key));
    else {
      change();
      await cache[how](tagged && sometimes(0.8) ? { tags: [`tag ${key}`] } : { key });
    }
    const now = writing.get(key) ?? others;
    writing.set(key, { writes: now.writes - 1, sets: how === 'set' ? 0 : now.sets });
    // A later write may have been answered before.
    answered.set(key, Math.max(answered.get(key) ?? 0, version));
    if (how !== 'expire') barred.set(key, Math.max(barred.get(key) ?? 0, version));
  };
  const toggleBus = (): void => {
    cut = !cut;
    if (cut) busB.cut();
    else busB.restore();
  };

  const notice = (): void => {
    const pending = a.stats().l2.pendingDeletes > 0;
    const telling = [...writing.values()].some(({ writes }) => writes > 0);
    unheard = (pending && cut) || (unheard && (pending || telling));
  };

  const running = new Set<Promise<void>>();
  const start = (work: Promise<void>): void => {
    const one = work.finally(() => running.delete(one));
    running.add(one);
  };
  // A look-up that waits for a lease to end has nothing to wait for but time.
  const pass = (): void => {
    if (leases === undefined) return;
    leases.idle();
    clock.advanceMs(100);
  };
  for (let step = 0; step < steps || running.size > 0; step += 1) {
    notice();
    if (step < steps && running.size < 8)
      act(random, { start, read, readMany, write, through, toggleBus, clock, caches: [a, b] });
    await settle();
    const next = parked.splice(Math.floor(random() * parked.length), 1)[0];
    next?.();
    if (next === undefined && running.size > 0) pass();
    if (step > steps * 100) throw new Error(`seed ${seed}: it does not come to an end`);
  }
  notice();
  chaos.weather = {};
  late.weather = {};
  over = true;
  for (const resume of parked) resume();
  if (cut) toggleBus();
  await settle();
  // In the end everyone agrees with the truth.
  start(
    (async () => {
      for (const cache of [a, b]) for (const key of KEYS) await read(cache, key).catch(() => undefined);
      await Promise.all([a.close(), b.close()]);
    })(),
  );
  while (running.size > 0) {
    await settle();
    pass();
  }
  return stale;
}

interface Actions {
  readonly start: (work: Promise<void>) => void;
  readonly read: (cache: Cache<string>, key: string) => Promise<void>;
  readonly readMany: (cache: Cache<string>) => Promise<void>;
  readonly write: (cache: Cache<string>, key: string, how: Write) => Promise<void>;
  /** Whether there are writes through the cache. */
  readonly through: boolean;
  readonly toggleBus: () => void;
  readonly clock: { advanceMs(ms: number): void };
  readonly caches: readonly [Cache<string>, Cache<string>];
}

function act(random: Random, { start, read, readMany, write, through, toggleBus, clock, caches }: Actions): void {
  const cache = random() < 0.5 ? caches[0] : caches[1];
  const key = random() < 0.7 ? 'a' : 'b';
  const choice = random();
  if (choice < 0.15) start(readMany(cache));
  else if (choice < 0.18) start(cache.touch(key).then(() => undefined));
  else if (choice < 0.6) start(read(cache, key));
  else if (choice < 0.7) start(write(cache, key, 'invalidate'));
  else if (choice < 0.78) start(write(cache, key, 'expire'));
  else if (choice < 0.83 || (choice < 0.88 && !through)) start(write(cache, key, 'set'));
  else if (choice < 0.88) start(write(cache, key, 'write'));
  else if (choice < 0.93) clock.advanceMs(700);
  else if (choice < 0.97) toggleBus();
  // In so long a time what is pending would have been made up for.
  else if (caches.every((each) => each.stats().l2.pendingDeletes === 0)) clock.advanceMs(700_000);
}
