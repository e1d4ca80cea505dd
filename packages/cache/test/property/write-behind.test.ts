import { createCache } from '@spillway/cache';
import { chaosBus, chaosCacheStore, chaosPort, createChaos, memoryCacheStore } from '@spillway/cache/testing';
import { memoryWriteLog, type WriteBehind, writeBehind } from '@spillway/cache/writes';
import { monotonicClock, seededRandom } from '@spillway/kernel';
import { until } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { memoryBuses } from '../../src/testing/memory-bus.ts';

const SEEDS = Number(process.env.SPILLWAY_SEEDS ?? 20);
const FIRST = Number(process.env.SPILLWAY_SEED ?? 1);
const KEYS = ['a', 'b', 'c', 'd'];

interface Instance {
  readonly players: WriteBehind<number>;
  /** Whatever is under way; then everything is closed. */
  end(): Promise<void>;
}

/** Two instances put values of their own keys, and read all, under faults of the store, the bus, the log and the truth. */
async function run(seed: number): Promise<{ readonly wrong: string[]; readonly struck: number }> {
  const random = seededRandom(seed);
  const weather = { refuse: 0.1, loseReply: 0.1, late: 0.05, slow: 0.1, lose: 0.05 };
  const chaos = createChaos({ seed, weather, laterMs: 5 });
  const l2 = chaosCacheStore(memoryCacheStore(monotonicClock), chaos);
  const nextBus = memoryBuses();
  const truth = new Map<string, number>();
  const open = (): Instance => {
    const bus = chaosBus(nextBus(), chaos);
    const cache = createCache<number>({ name: 'players', ttl: '1h', l2, bus, random: () => 0 });
    const log = memoryWriteLog<number>({
      every: '2ms',
      write: (writes) =>
        chaos.call('INSERT', async () => {
          for (const { key, value } of writes) if (value !== undefined) truth.set(key, value);
        }),
    });
    const port = chaosPort(log, chaos);
    const players = writeBehind<number>({ cache, log: port, load: async (key) => truth.get(key) });
    return {
      players,
      async end() {
        await players.close();
        await log.close();
        await until(() => cache.stats().l2.pendingDeletes === 0 && cache.stats().l2.bypassed === 'none');
        await cache.close();
      },
    };
  };
  const [one, other] = [open(), open()];
  const last = new Map<string, number>();
  const wrong: string[] = [];
  for (let step = 0; step < 150; step += 1) {
    const key = KEYS[Math.floor(random() * KEYS.length)] as string;
    const owner = key < 'c' ? one : other;
    if (random() < 0.6) {
      last.set(key, step);
      const putting = owner.players.put(key, step);
      // What this instance put it reads, at any time.
      const mine = await owner.players.get(key);
      if (mine !== step) wrong.push(`seed ${seed}: its own instance read ${mine} for ${key}, and had put ${step}`);
      if (random() < 0.5) await putting;
    } else {
      const reader = owner === one ? other : one;
      const seen = (await reader.players.get(key)) ?? -1;
      if (seen > (last.get(key) ?? -1)) wrong.push(`seed ${seed}: ${key} was read before it was put`);
    }
  }
  chaos.weather = {};
  for (const { players } of [one, other]) await until(() => players.stats().pending === 0);
  for (const [key, value] of last) {
    if (truth.get(key) !== value)
      wrong.push(`seed ${seed}: the truth has ${truth.get(key)} for ${key}, put was ${value}`);
    for (const { players } of [one, other]) {
      await until(async () => (await players.get(key)) === value, { what: `seed ${seed}: ${key} to be ${value}` });
    }
  }
  await Promise.all([one.end(), other.end()]);
  return { wrong, struck: chaos.struck.late + chaos.struck.loseReply + chaos.struck.lose };
}

test(`whatever fails, in the end the truth and every instance have what was put last (seeds ${FIRST} to ${FIRST + SEEDS - 1})`, async () => {
  const all = await Promise.all(Array.from({ length: SEEDS }, (_, at) => run(FIRST + at)));
  expect(all.flatMap(({ wrong }) => wrong)).toEqual([]);
  expect(all.reduce((sum, { struck }) => sum + struck, 0)).toBeGreaterThan(10 * SEEDS);
});
