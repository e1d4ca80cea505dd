import { ConfigurationError, seededRandom } from '@spillway/kernel';
import type { LimitStore, Policy, Refund } from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { createFakeClock, type FakeClock } from '@spillway/limit/testing';
import { connectRedis, type RedisLink } from '@spillway/redis';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type PureStore, pureStore } from '../../src/testing/pure-store.ts';
import { randomReserve } from '../../src/testing/random-reserve.ts';
import { ALL_STRATEGIES, changesWithinUs, randomPolicy } from '../../src/testing/walked-policies.ts';
import { keysUnder } from '../support/redis-keys.ts';
import { runs } from './arbitraries.ts';

let link: RedisLink;

beforeAll(async () => {
  link = connectRedis({ url: inject('redisUrl'), deadline: '10s' });
  await link.ready({ timeout: '10s' });
});

afterAll(() => link.close());

/** Ids are repeated only while every store knows them, also one that forgets in real time. */
const REPEATED_WITHIN_US = 540e6;
const LATEST_US = 2 ** 52;

/** The same call of any store, pure or not. */
type Call = (store: LimitStore | PureStore) => unknown;

interface Taken {
  readonly key: string;
  readonly policies: readonly Policy[];
  readonly cost: number;
  readonly id: string | undefined;
  readonly atUs: number;
}

type ClockRun = 'forward' | 'back and forth';

/** Calls for one moment after another; with a clock that also steps back, but then without blocks, whose end it would undo. */
function* walk(seed: number, clock: FakeClock, policiesOf: (random: () => number) => readonly Policy[], run: ClockRun) {
  const random = seededRandom(seed);
  const taken: Taken[] = [];
  let ids = 0;
  let policies = policiesOf(random);
  const callOf = (): Call => {
    const key = random() < 0.7 ? 'ada' : 'grace';
    const capacity = Math.min(...policies.map((policy) => policy.capacity));
    const cost = random() < 0.6 ? 1 : 1 + Math.floor(random() * (capacity + 1));
    const chosen = policies;
    const nowUs = clock.nowUs();
    const needsId = chosen.some(({ strategy }) => strategy === 'concurrency');
    const recent = taken.filter((each) => each.policies === chosen && Math.abs(nowUs - each.atUs) < REPEATED_WITHIN_US);
    const old = recent[Math.floor(random() * recent.length)];
    const act = random();
    if (act < 0.2 && !needsId) {
      const spanUs = Math.max(...chosen.map(changesWithinUs));
      const reserve = randomReserve(chosen, nowUs, spanUs, random);
      taken.push({ key, policies: chosen, cost: 1 + reserve.want, id: undefined, atUs: nowUs });
      return (store) => store.reserve?.(key, chosen, cost, reserve);
    }
    if (act < 0.5) {
      ids += 1;
      const id = needsId || random() < 0.2 ? `take-${ids}` : undefined;
      taken.push({ key, policies: chosen, cost, id, atUs: nowUs });
      return (store) => store.take(key, chosen, cost, id);
    }
    if (act < 0.6 && old?.id !== undefined) return (store) => store.take(old.key, chosen, cost, old.id);
    if (act < 0.75 || old === undefined) return (store) => store.peek(key, chosen, cost);
    if (act < 0.95 || run !== 'forward') {
      const back: Refund = {
        cost: random() < 0.6 ? old.cost : cost,
        ...(random() < 0.7 ? { takenAtUs: old.atUs } : {}),
        ...(old.id === undefined ? {} : { id: old.id }),
      };
      return (store) => store.refund(old.key, chosen, back);
    }
    const forUs = 1 + Math.floor(random() * random() * Math.max(...chosen.map(changesWithinUs)));
    if (act < 0.98) return (store) => store.block(key, chosen, forUs);
    return (store) => store.reset(key, chosen);
  };
  for (let moment = 0; moment < 25; moment += 1) {
    if (random() < 0.15) policies = policiesOf(random);
    const spanUs = Math.min(Math.max(...policies.map(changesWithinUs)), (LATEST_US - clock.nowUs()) / 25);
    const back = run === 'back and forth' && random() < 0.25;
    if (random() < 0.6) clock.advanceUs(Math.floor((back ? -1 : 1) * random() * random() * spanUs));
    yield Array.from({ length: random() < 0.4 ? 1 : 1 + Math.floor(random() * 12) }, callOf);
  }
}

/** The next one that can be counted exactly. */
function countable(strategy: (typeof ALL_STRATEGIES)[number], name: string, random: () => number): Policy {
  try {
    return randomPolicy(strategy, name, random);
  } catch (error) {
    if (error instanceof ConfigurationError) return countable(strategy, name, random);
    throw error;
  }
}

let prefixes = 0;

/** Together, one by one, and by the pure steps: the same answers in the same order, and the same keys. */
async function agree(seed: number, policiesOf: (random: () => number) => readonly Policy[], run: ClockRun) {
  prefixes += 1;
  const clock = createFakeClock();
  const pure = pureStore(clock);
  const together = `limit-agree-${process.pid}-${prefixes}-together`;
  const apart = `limit-agree-${process.pid}-${prefixes}-apart`;
  const batched = redisLimitStore({ link, prefix: together, clock });
  const single = redisLimitStore({ link, prefix: apart, clock });
  for (const calls of walk(seed, clock, policiesOf, run)) {
    const expected = calls.map((call) => call(pure));
    expect(await Promise.all(calls.map((call) => call(batched)))).toEqual(expected);
    for (const [at, call] of calls.entries()) expect(await call(single)).toEqual(expected[at]);
  }
  const [one, other] = await Promise.all([together, apart].map((prefix) => keysUnder(link, prefix)));
  for (const key of [...(one ?? []), ...(other ?? [])]) expect(key.ttlMs, key.name).toBeGreaterThan(0);
  const bare = (keys: typeof one, prefix: string) => keys?.map(({ name, value }) => [name.slice(prefix.length), value]);
  expect(bare(one, together)).toEqual(bare(other, apart));
}

const clocks: readonly ClockRun[] = ['forward', 'back and forth'];

test.each(ALL_STRATEGIES.flatMap((strategy) => clocks.map((run) => ({ strategy, run }))))(
  'G2: Redis counts like the pure step, one by one and many together: $strategy, clock $run',
  async ({ strategy, run }) => {
    const policiesOf = (random: () => number) => [countable(strategy, 'p', random)];
    await fc.assert(
      fc.asyncProperty(fc.integer(), (seed) => agree(seed, policiesOf, run)),
      runs(25),
    );
  },
);

test.each(clocks)('G2: and so do policies of several strategies, all of them or none, clock %s', async (run) => {
  const policiesOf = (random: () => number) =>
    ALL_STRATEGIES.filter(() => random() < 0.4)
      .concat(ALL_STRATEGIES[Math.floor(random() * ALL_STRATEGIES.length)] ?? 'gcra')
      .filter((strategy, at, all) => all.indexOf(strategy) === at)
      .map((strategy) => countable(strategy, strategy, random));
  await fc.assert(
    fc.asyncProperty(fc.integer(), (seed) => agree(seed, policiesOf, run)),
    runs(60),
  );
});
