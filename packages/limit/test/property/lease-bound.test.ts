import {
  createLimiter,
  fixedWindow,
  gcra,
  type Limiter,
  type LimitStore,
  memoryLimitStore,
  type Policy,
  slidingWindow,
  tokenBucket,
} from '@spillway/limit';
import { createFakeClock } from '@spillway/limit/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { randomOf, runs } from './arbitraries.ts';

const maxAgeMs = 400;
const CAPACITY = 60;
const PER_SECOND = 30;

interface Admitted {
  readonly atUs: number;
  readonly cost: number;
}

/** Three instances on one store, which take, end (with or without handing back) and begin anew, as a seed has it. */
async function history(policy: Policy, seed: number, storeOf = (store: LimitStore): LimitStore => store) {
  const random = randomOf(seed);
  const clock = createFakeClock();
  const store = storeOf(memoryLimitStore({ clock }));
  const open = (): Limiter =>
    createLimiter(
      { policy, mode: 'lease', lease: { maxAge: `${maxAgeMs}ms` } },
      { store: { ...store, scope: 'shared' }, presence: { instances: 3 }, clock },
    );
  const instances = [open(), open(), open()];
  const admitted: Admitted[] = [];
  let leased = 0;
  const paceUs = 1 + Math.floor(random() * 40_000);
  for (let step = 0; step < 600; step += 1) {
    if (random() < 0.5) clock.advanceUs(Math.floor(random() * paceUs));
    if (random() < 0.01) clock.advanceUs(Math.floor(random() * 3_000_000));
    const at = Math.floor(random() * 3);
    const act = random();
    if (act < 0.02) {
      if (act < 0.01) await instances[at]?.close();
      instances[at] = open();
      continue;
    }
    const cost = random() < 0.8 ? 1 : 1 + Math.floor(random() * 6);
    const decision = await instances[at]?.take('ada', { cost });
    if (decision?.outcome !== 'allowed') continue;
    if (decision.decidedBy === 'lease') leased += 1;
    admitted.push({ atUs: clock.nowUs(), cost });
  }
  await Promise.all(instances.map((each) => each.close()));
  return { admitted, leased };
}

/** The most that was there at once, in a bucket that leaks: it says of all intervals what it says of this one. */
function highestLevel(admitted: readonly Admitted[]): number {
  let level = 0;
  let highest = 0;
  let before = 0;
  for (const { atUs, cost } of admitted) {
    level = Math.max(0, level - ((atUs - before) * PER_SECOND) / 1e6) + cost;
    highest = Math.max(highest, level);
    before = atUs;
  }
  return highest;
}

/** The most of one window, or of any interval so long. */
function mostIn(admitted: readonly Admitted[], windowUs: number, kind: 'window' | 'interval'): number {
  const sums = admitted.map(({ atUs }, at) => {
    const isIn = (other: Admitted) =>
      kind === 'interval'
        ? other.atUs >= atUs && other.atUs < atUs + windowUs
        : Math.floor(other.atUs / windowUs) === Math.floor(atUs / windowUs);
    return admitted.slice(kind === 'interval' ? at : 0).reduce((sum, each) => (isIn(each) ? sum + each.cost : sum), 0);
  });
  return Math.max(0, ...sums);
}

const ofBucket = (admitted: readonly Admitted[]): boolean =>
  highestLevel(admitted) <= CAPACITY + (PER_SECOND * maxAgeMs) / 1000;

const promises: readonly { readonly policy: Policy; readonly keeps: (admitted: readonly Admitted[]) => boolean }[] = [
  {
    policy: tokenBucket({ name: 'b', capacity: CAPACITY, refill: { tokens: PER_SECOND, every: '1s' } }),
    keeps: ofBucket,
  },
  { policy: gcra({ name: 'g', limit: PER_SECOND, every: '1s', burst: CAPACITY - 1 }), keeps: ofBucket },
  {
    policy: fixedWindow({ name: 'w', limit: CAPACITY, window: '1s' }),
    keeps: (admitted) => mostIn(admitted, 1e6, 'window') <= CAPACITY,
  },
  {
    policy: slidingWindow({ name: 's', limit: CAPACITY, window: '1s', subWindows: 4 }),
    keeps: (admitted) => mostIn(admitted, 1e6, 'interval') <= CAPACITY,
  },
];

describe('G2: leases of three instances, which end with and without a word, keep to the promise of', () => {
  test.each(promises)('$policy.strategy', async ({ policy, keeps }) => {
    let leased = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const told = await history(policy, seed);
        leased += told.leased;
        expect(keeps(told.admitted)).toBe(true);
      }),
      runs(60),
    );
    expect(leased).toBeGreaterThan(1000);
  });
});

describe('G2: this sees', () => {
  const seesIn = async (
    policy: Policy,
    keeps: (typeof promises)[number]['keeps'],
    storeOf: (store: LimitStore) => LimitStore,
  ) => {
    for (let seed = 0; seed < 60; seed += 1) {
      if (!keeps((await history(policy, seed, storeOf)).admitted)) return true;
    }
    return false;
  };

  test.each(promises)('spending before reserving: $policy.strategy', async ({ policy, keeps }) => {
    const early = (store: LimitStore): LimitStore => ({
      ...store,
      async reserve(key, policies, cost, { want }) {
        const take = await store.take(key, policies, cost);
        return { ...take, granted: take.verdicts[0]?.outcome === 'allowed' ? want : 0, windowLeftUs: 1e6 };
      },
    });
    expect(await seesIn(policy, keeps, early)).toBe(true);
  });

  test.each(promises.slice(2))('a lease that survives its window: $policy.strategy', async ({ policy, keeps }) => {
    const endless = (store: LimitStore): LimitStore => ({
      ...store,
      async reserve(key, policies, cost, asked) {
        const answer = await store.reserve?.(key, policies, cost, asked);
        if (answer === undefined) throw new Error('This store gives no leases');
        return { ...answer, windowLeftUs: Number.POSITIVE_INFINITY };
      },
    });
    expect(await seesIn(policy, keeps, endless)).toBe(true);
  });

  test.each(promises.slice(0, 1))('what is handed back more than once: $policy.strategy', async ({ policy, keeps }) => {
    const again = (store: LimitStore): LimitStore => ({
      ...store,
      async refund(key, policies, back) {
        for (let time = 0; time < 3; time += 1) await store.refund(key, policies, back);
      },
    });
    expect(await seesIn(policy, keeps, again)).toBe(true);
  });
});
