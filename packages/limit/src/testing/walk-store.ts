import type { Random } from '@spillway/kernel';
import { expect } from 'vitest';
import type { LimitStore, Take } from '../store.ts';
import type { Policy } from '../strategies/policy.ts';
import type { FakeClock } from './fake-clock.ts';
import { type PureStore, pureStore } from './pure-store.ts';
import { randomReserve } from './random-reserve.ts';
import { changesWithinUs } from './walked-policies.ts';

export interface StoreWalk {
  readonly store: LimitStore;
  /** The judge. Default: the pure steps. */
  readonly pure?: PureStore;
  readonly clock: FakeClock;
  readonly random: Random;
  readonly steps: number;
  /** Of each step: one policy, or several. */
  policiesOf(step: number): readonly Policy[];
  /** What a failure names: the seed. */
  readonly title: string;
}

/** No step is given a later moment: the year 2112. */
const LATEST_US = 2 ** 52;
/** Ids are repeated only while every store knows them, also one that forgets in real time. */
const REPEATED_WITHIN_US = 540e6;

interface Taken {
  readonly key: string;
  readonly policies: readonly Policy[];
  readonly cost: number;
  readonly id: string | undefined;
  readonly atUs: number;
}

/** Random takes, looks, refunds, and now and then a block or a reset, of two keys: the store must answer each like the pure steps. */
export async function walkStore(walk: StoreWalk): Promise<void> {
  const { store, clock, random, steps, policiesOf, title, pure = pureStore(clock) } = walk;
  const pick = <T>(of: readonly T[]): T | undefined => of[Math.floor(random() * of.length)];
  const taken: Taken[] = [];
  const keep = (each: Taken, { verdicts }: Take) => {
    if (verdicts.some(({ outcome }) => outcome === 'denied')) return;
    taken.push(each);
    if (taken.length > 12) taken.shift();
  };
  const longestUs = (LATEST_US - clock.nowUs()) / steps;

  let before = policiesOf(0);
  for (let step = 0; step < steps; step += 1) {
    const policies = policiesOf(step);
    // A longer window would count again what a store may have dropped since.
    for (const key of policies === before ? [] : ['ada', 'grace']) {
      for (const policy of before) {
        if (!pure.isIdle(key, [policy])) continue;
        pure.reset(key, [policy]);
        await store.reset(key, [policy]);
      }
    }
    before = policies;
    const spanUs = Math.max(...policies.map(changesWithinUs));
    if (random() < 0.5) clock.advanceUs(Math.floor(random() * random() * Math.min(spanUs, longestUs)));
    const key = random() < 0.7 ? 'ada' : 'grace';
    // To where something is just about to happen, happens, or has happened.
    if (random() < 0.15) {
      const standing = pick(pure.peek(key, policies, 1));
      const us = (random() < 0.7 ? standing?.refillAfterUs : standing?.resetAfterUs) ?? 0;
      if (us > 0 && us < longestUs) clock.advanceUs(us - 1 + Math.floor(random() * 3));
    }
    const capacity = Math.min(...policies.map((policy) => policy.capacity));
    const cost = random() < 0.6 ? 1 : 1 + Math.floor(random() * (capacity + 1));
    const needsId = policies.some(({ strategy }) => strategy === 'concurrency');
    const names = namesOf(policies);
    const mine = taken.filter((each) => namesOf(each.policies) === names);
    const act = random();
    const at = `${title}, step ${step}`;

    const canReserve = store.reserve !== undefined && !needsId;
    if (act < 0.15 && store.takeOwing !== undefined) {
      const { owed = [] } = randomReserve(policies, clock.nowUs(), spanUs, random);
      if (owed.length === 0) continue;
      const { verdicts, atUs } = pure.reserve(key, policies, cost, { want: 0, parts: 1, owed });
      expect(await store.takeOwing(key, policies, cost, owed), `${at}, take owing`).toEqual({ verdicts, atUs });
    } else if (act < 0.15 && canReserve) {
      const reserve = randomReserve(policies, clock.nowUs(), spanUs, random);
      const expected = pure.reserve(key, policies, cost, reserve);
      expect(await store.reserve?.(key, policies, cost, reserve), `${at}, reserve`).toEqual(expected);
      // Sometimes it comes back, as leases do.
      keep({ key, policies, cost: Math.max(1, expected.granted), id: undefined, atUs: clock.nowUs() }, expected);
    } else if (act < 0.45) {
      const id = needsId || random() < 0.2 ? `take-${step}` : undefined;
      const expected = pure.take(key, policies, cost, id);
      expect(await store.take(key, policies, cost, id), `${at}, take`).toEqual(expected);
      keep({ key, policies, cost, id, atUs: clock.nowUs() }, expected);
    } else if (act < 0.55) {
      const again = pick(mine.filter(({ id, atUs }) => id !== undefined && clock.nowUs() - atUs < REPEATED_WITHIN_US));
      if (again === undefined) continue;
      const expected = pure.take(again.key, policies, cost, again.id);
      expect(await store.take(again.key, policies, cost, again.id), `${at}, repeated take`).toEqual(expected);
    } else if (act < 0.75) {
      expect(await store.peek(key, policies, cost), `${at}, peek`).toEqual(pure.peek(key, policies, cost));
    } else if (act < 0.96) {
      const old = pick(mine);
      if (old === undefined || (old.id !== undefined && clock.nowUs() - old.atUs >= REPEATED_WITHIN_US)) continue;
      if (old.id === undefined && needsId) continue;
      const back = {
        cost: random() < 0.6 ? old.cost : cost,
        ...(random() < 0.7 ? { takenAtUs: old.atUs } : {}),
        ...(old.id === undefined ? {} : { id: old.id }),
      };
      pure.refund(old.key, policies, back);
      await store.refund(old.key, policies, back);
    } else if (act < 0.98) {
      const forUs = 1 + Math.floor(random() * random() * spanUs);
      pure.block(key, policies, forUs);
      await store.block(key, policies, forUs);
    } else {
      pure.reset(key, policies);
      await store.reset(key, policies);
    }
    // What was left behind, of a key that nobody asked about.
    if (act >= 0.75) {
      for (const each of ['ada', 'grace']) {
        expect(await store.peek(each, policies, 1), `${at}, afterwards`).toEqual(pure.peek(each, policies, 1));
      }
    }
  }
}

const namesOf = (policies: readonly Policy[]): string => policies.map(({ name }) => name).join();
