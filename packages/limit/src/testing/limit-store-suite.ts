/**
 * What every store of limits must do alike, as a suite to call from a test file: `limitStoreSuite({ name, create })`.
 * The pure steps are the judge: a store agrees with them operation by operation, on a clock that the suite moves.
 */
import { type Clock, ConfigurationError, type Random, seededRandom } from '@spillway/kernel';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { blocked } from '../core/answers.ts';
import type { Verdict } from '../core/decision.ts';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import type { LimitStore, Refund } from '../store.ts';
import { concurrency } from '../strategies/concurrency/policy.ts';
import { fixedWindow } from '../strategies/fixed-window/policy.ts';
import type { OwnPolicy } from '../strategies/own/own-policy.ts';
import type { BuiltInName, Policy } from '../strategies/policy.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { HOSTILE_KEYS } from './hostile-keys.ts';
import { mixedCases } from './mixed-cases.ts';
import { reserveCases } from './reserve-cases.ts';
import { walkStore } from './walk-store.ts';
import { ALL_STRATEGIES, changesWithinUs, randomPolicy, TEN, TRICKY } from './walked-policies.ts';

/** What a store keeps, for one who may look inside. */
export interface StoredKey {
  readonly name: string;
  readonly value: string;
  /** Milliseconds; undefined when it would stay for ever. */
  readonly ttlMs: number | undefined;
}

export interface StoreUnderTest {
  readonly store: LimitStore;
  /** All that the store keeps. Without it, what is written when can not be checked. */
  inspect?(): Promise<readonly StoredKey[]>;
  close?(): Promise<void>;
}

/** A strategy of your own. Windows of seconds and more: a store may expire what it keeps in real time. */
export interface OwnUnderTest {
  /** A policy of ten units, of which all come back within a minute. */
  readonly ten: OwnPolicy;
  /** Another one each time, under this name. */
  random(name: string, random: Random): OwnPolicy;
}

export interface LimitStoreSuiteOptions {
  readonly name: string;
  /** An empty store that counts by the given clock. */
  create(options: { readonly clock: Clock }): Promise<StoreUnderTest>;
  /** What the store lists as its `strategies`, of those of this package. Default: all. */
  readonly strategies?: readonly BuiltInName[];
  /** And strategies of your own that it lists. Default none. */
  readonly own?: readonly OwnUnderTest[];
  /** Whether it has `reserve`. Default true. */
  readonly leases?: boolean;
  /** Whether it has `takeOwing`. Default false. */
  readonly owing?: boolean;
  /** Whether it has `mixed`. Default true. */
  readonly mixedSubjects?: boolean;
  /** Of the random walks. Default 1; a failure names it. */
  readonly seed?: number;
  /** Operations per random walk. Default 300. */
  readonly steps?: number;
}

const ten = TEN['token-bucket'];
const three = tokenBucket({ name: 'three', capacity: 3, refill: { tokens: 3, every: '1h' } });
const slots = TEN.concurrency;

export function limitStoreSuite(options: LimitStoreSuiteOptions): void {
  const {
    name,
    create,
    strategies = ALL_STRATEGIES,
    leases = true,
    seed = 1,
    steps = 300,
    own = [],
    mixedSubjects = true,
    owing = false,
  } = options;
  const has = (policy: Policy): boolean => strategies.some((strategy) => strategy === policy.strategy);
  const tens: readonly Policy[] = [...strategies.map((strategy) => TEN[strategy]), ...own.map(({ ten }) => ten)];
  const another = ({ strategy }: Policy, random: Random): Policy => {
    const mine = own.find(({ ten }) => ten.strategy === strategy);
    return mine === undefined ? randomPolicy(strategy as BuiltInName, 'p', random) : mine.random('p', random);
  };
  const mixed = tens.filter(({ strategy }) => strategy !== 'concurrency');

  describe(`limit store: ${name}`, () => {
    let clock: FakeClock;
    let subject: StoreUnderTest;
    let store: LimitStore;
    let ids = 0;

    beforeEach(async () => {
      // A Thursday, 02:13:20 UTC: no window of a minute, an hour or a day is about to end.
      clock = createFakeClock();
      subject = await create({ clock });
      store = subject.store;
    });

    afterEach(async () => {
      await expectTimesToLive('at the end');
      await subject.close?.();
    });

    const newId = (): string => {
      ids += 1;
      return `take-${ids}`;
    };
    const idFor = (...policies: readonly Policy[]) => (policies.some(isConcurrency) ? newId() : undefined);
    const take = async (policy: Policy, key: string, cost = 1, id = idFor(policy)): Promise<Verdict> =>
      only((await store.take(key, [policy], cost, id)).verdicts);
    const peek = async (policy: Policy, key: string, cost = 1): Promise<Verdict> =>
      only(await store.peek(key, [policy], cost));
    const remaining = async (policy: Policy, key: string) => (await peek(policy, key)).remaining;
    const expectTimesToLive = async (after: string) => {
      const kept = (await subject.inspect?.()) ?? [];
      const eternal = kept.filter(({ ttlMs }) => ttlMs === undefined || ttlMs <= 0);
      expect(eternal, `every key has a time to live ${after}`).toEqual([]);
    };
    const kept = async () => (await subject.inspect?.())?.map(withoutTtl) ?? [];

    test('lists the strategies that it has, and whether it gives leases', () => {
      expect([...store.strategies].sort()).toEqual(tens.map(({ strategy }) => strategy).sort());
      expect(store.reserve !== undefined).toBe(leases);
      expect(store.mixed !== undefined).toBe(mixedSubjects);
      expect(store.takeOwing !== undefined).toBe(owing);
    });

    describe.each(tens)('$strategy', (policy) => {
      test('grants the limit, refuses, and grants again as soon as it says', async () => {
        for (let left = 9; left >= 0; left -= 1) {
          expect(await take(policy, 'ada')).toMatchObject({ outcome: 'allowed', remaining: left });
        }
        const refused = await take(policy, 'ada');
        if (refused.outcome === 'allowed' || refused.reason !== 'exhausted') throw new Error('should be exhausted');
        clock.advanceUs(refused.retryAfterUs - 1);
        expect(await take(policy, 'ada')).toMatchObject({ outcome: 'denied', retryAfterUs: 1 });
        clock.advanceUs(1);
        expect(await take(policy, 'ada')).toMatchObject({ outcome: 'allowed' });
        expect(await take(policy, 'grace')).toMatchObject({ outcome: 'allowed', remaining: 9 });
      });

      test('tells when it decided, by its clock', async () => {
        for (let step = 0; step < 3; step += 1) {
          clock.advanceUs(1_234_567);
          expect((await store.take('ada', [policy], 4, newId())).atUs).toBe(clock.nowUs());
        }
      });

      test('G2: agrees with the pure step, whatever policy a state was written under', async () => {
        const random = seededRandom(seed);
        let policies = [another(policy, random)];
        const policiesOf = (): readonly Policy[] => {
          if (random() < 0.04) policies = [another(policy, random)];
          return policies;
        };
        await walkStore({ store, clock, random, steps: 2 * steps, policiesOf, title: `seed ${seed}` });
      });

      test('G2: a refusal costs nothing, however often it is asked for, and writes nothing', async () => {
        await take(policy, 'ada', 8);
        const before = await kept();
        for (let knock = 0; knock < 20; knock += 1) {
          expect(await take(policy, 'ada', 3)).toMatchObject({ outcome: 'denied', remaining: 2 });
        }
        expect(await kept()).toEqual(before);
        expect(await take(policy, 'ada', 2)).toMatchObject({ outcome: 'allowed', remaining: 0 });
      });

      test('a cost above the limit never fits, and leaves nothing behind', async () => {
        for (const cost of [11, 1e9, Number.MAX_SAFE_INTEGER]) {
          expect(await take(policy, 'ada', cost)).toEqual({
            outcome: 'denied',
            reason: 'cost-exceeds-capacity',
            remaining: 10,
            refillAfterUs: 0,
            resetAfterUs: 0,
          });
        }
        expect(await kept()).toEqual([]);
      });

      test('G2: takes at the same time never get more than the limit', async () => {
        const verdicts = await Promise.all(Array.from({ length: 100 }, () => take(policy, 'ada')));
        expect(verdicts.filter(({ outcome }) => outcome === 'allowed')).toHaveLength(10);
      });

      test('peek charges nothing and keeps nothing', async () => {
        for (let look = 0; look < 20; look += 1) {
          expect(await peek(policy, 'ada', 10)).toMatchObject({ outcome: 'allowed', remaining: 10 });
        }
        expect(await kept()).toEqual([]);
        expect(await take(policy, 'ada', 10)).toMatchObject({ outcome: 'allowed', remaining: 0 });
      });

      test('every key has a time to live after every operation', async () => {
        const id = newId();
        const policies = [policy];
        const operations: readonly (readonly [string, () => Promise<unknown>])[] = [
          ['a take', () => store.take('ada', policies, 3, id)],
          ['a repeated take', () => store.take('ada', policies, 3, id)],
          ['another take', () => store.take('ada', policies, 7, newId())],
          ['a refused take', () => store.take('ada', policies, 1, newId())],
          ['a look', () => store.peek('ada', policies, 1)],
          ['a refund of a part', () => store.refund('ada', policies, { cost: 1, id })],
          ['a refund of what nobody took', () => store.refund('bob', policies, { cost: 1, id: 'nobody' })],
          ['a block', () => store.block('ada', policies, 1)],
          ['a longer block', () => store.block('ada', policies, 90 * 86_400e6)],
          ['a blocked take', () => store.take('ada', policies, 1, newId())],
          ['a refund of the blocked', () => store.refund('ada', policies, { cost: 7, id: newId() })],
          ['a reset', () => store.reset('ada', policies)],
          ['a take after the reset', () => store.take('ada', policies, 1, newId())],
        ];
        for (const [what, operate] of operations) {
          await operate();
          await expectTimesToLive(`after ${what}`);
        }
      });

      test('refund gives back what was taken, and no more', async () => {
        const id = newId();
        const { atUs } = await store.take('ada', [policy], 4, id);
        await store.refund('ada', [policy], { cost: 4, takenAtUs: atUs, id });
        expect(await peek(policy, 'ada')).toEqual(await peek(policy, 'nobody'));
        await store.take('ada', [policy], 6, newId());
        await store.refund('ada', [policy], { cost: 1e15, id: 'nobody' });
        expect(await remaining(policy, 'ada')).toBe(4);
        if (isConcurrency(policy)) return;
        await store.refund('ada', [policy], { cost: 2, takenAtUs: atUs });
        expect(await remaining(policy, 'ada')).toBe(6);
        await store.refund('ada', [policy], { cost: 1e15 });
        expect(await remaining(policy, 'ada')).toBe(10);
      });

      test('a refund that comes late gives back nothing that has come back by itself', async () => {
        const id = newId();
        const { atUs } = await store.take('ada', [policy], 10, id);
        clock.advanceUs(changesWithinUs(policy) + 20e6);
        expect(await take(policy, 'ada', 5)).toMatchObject({ outcome: 'allowed', remaining: 5 });
        await store.refund('ada', [policy], isConcurrency(policy) ? { cost: 10, id } : { cost: 10, takenAtUs: atUs });
        expect(await remaining(policy, 'ada')).toBe(5);
      });

      test('G2: a take with an id is charged once, however often it is repeated', async () => {
        const id = newId();
        expect(await take(policy, 'ada', 3, id)).toMatchObject({ outcome: 'allowed', remaining: 7 });
        for (const cost of [3, 1, 9]) {
          expect(await take(policy, 'ada', cost, id)).toMatchObject({ outcome: 'allowed', remaining: 7 });
        }
        expect(await take(policy, 'ada', 7)).toMatchObject({ outcome: 'allowed', remaining: 0 });
        expect(await take(policy, 'ada', 3, id)).toMatchObject({ outcome: 'allowed', remaining: 0 });
        // The id is this key's alone.
        expect(await take(policy, 'grace', 3, id)).toMatchObject({ outcome: 'allowed', remaining: 7 });
      });

      test('a refused take is not remembered by its id', async () => {
        await take(policy, 'ada', 10);
        const id = newId();
        expect(await take(policy, 'ada', 1, id)).toMatchObject({ outcome: 'denied' });
        await store.reset('ada', [policy]);
        expect(await take(policy, 'ada', 1, id)).toMatchObject({ outcome: 'allowed', remaining: 9 });
      });

      test('an id is refunded once, for no more than it got, and is a new one afterwards', async () => {
        const id = newId();
        await take(policy, 'ada', 3, id);
        await take(policy, 'ada', 5);
        await store.refund('ada', [policy], { cost: 9, id });
        expect(await remaining(policy, 'ada')).toBe(5);
        await store.refund('ada', [policy], { cost: 9, id });
        expect(await remaining(policy, 'ada')).toBe(5);
        expect(await take(policy, 'ada', 3, id)).toMatchObject({ outcome: 'allowed', remaining: 2 });
      });

      test('block refuses whatever is left, for so long, and what was taken is forgotten', async () => {
        const id = newId();
        await take(policy, 'ada', 10, id);
        await store.block('ada', [policy], 30e6);
        for (const cost of [1, 10, 11]) {
          expect(await take(policy, 'ada', cost)).toEqual(blocked(30e6));
          expect(await peek(policy, 'ada', cost)).toEqual(blocked(30e6));
        }
        expect(await take(policy, 'ada', 10, id), 'a repeat').toEqual(blocked(30e6));
        await store.refund('ada', [policy], { cost: 10, id });
        clock.advanceUs(30e6 - 1);
        expect(await take(policy, 'ada')).toEqual(blocked(1));
        expect(await take(policy, 'grace')).toMatchObject({ outcome: 'allowed' });
        clock.advanceUs(1);
        expect(await peek(policy, 'ada')).toMatchObject({ outcome: 'allowed', remaining: 10, resetAfterUs: 0 });
        expect(await take(policy, 'ada', 10)).toMatchObject({ outcome: 'allowed', remaining: 0 });
      });

      test('a block is never cut short by another, reset ends it', async () => {
        await store.block('ada', [policy], 40 * 86_400e6);
        await store.block('ada', [policy], 1e6);
        expect(await take(policy, 'ada')).toEqual(blocked(40 * 86_400e6));
        clock.advanceUs(39 * 86_400e6);
        expect(await take(policy, 'ada')).toEqual(blocked(86_400e6));
        await store.block('ada', [policy], 2 * 86_400e6);
        expect(await take(policy, 'ada')).toEqual(blocked(2 * 86_400e6));
        await store.reset('ada', [policy]);
        expect(await take(policy, 'ada')).toMatchObject({ outcome: 'allowed', remaining: 9 });
      });

      test('G8: no two identifiers meet, whatever characters they hold', async () => {
        for (const key of HOSTILE_KEYS) {
          const title = JSON.stringify(key.slice(0, 30));
          expect(await take(policy, key, 10, newId()), title).toMatchObject({ outcome: 'allowed', remaining: 0 });
        }
        for (const key of HOSTILE_KEYS) expect(await take(policy, key)).toMatchObject({ outcome: 'denied' });
      });

      test('G8: no two ids meet, nor an id and a key', async () => {
        for (const id of HOSTILE_KEYS) {
          if (id === '') continue;
          const title = JSON.stringify(id.slice(0, 30));
          expect(await take(policy, 'ada', 10, id), title).toMatchObject({ outcome: 'allowed', remaining: 0 });
          await store.reset('ada', [policy]);
        }
      });

      test('reset forgets one key and no other', async () => {
        for (const key of ['a*', 'ab', 'a', '*']) await take(policy, key, 10);
        await store.reset('a*', [policy]);
        await store.reset('nobody', [policy]);
        expect(await take(policy, 'a*', 3)).toMatchObject({ outcome: 'allowed', remaining: 7 });
        for (const key of ['ab', 'a', '*']) expect(await take(policy, key)).toMatchObject({ outcome: 'denied' });
      });
    });

    test.each(TRICKY.filter(has))('G2: agrees with the pure step, operation by operation: $name', async (policy) => {
      const policies = [policy];
      await walkStore({
        store,
        clock,
        random: seededRandom(seed),
        steps,
        policiesOf: () => policies,
        title: `seed ${seed}`,
      });
    });

    test('G2: agrees with the pure steps when several policies are taken together', async () => {
      const random = seededRandom(seed);
      const sets = [tens, mixed, tens.slice(0, 2), tens.slice(-2), [three, ten], [ten, three]];
      let policies = tens;
      const policiesOf = (step: number): readonly Policy[] => {
        if (step % 25 === 0) policies = sets[Math.floor(random() * sets.length)] ?? tens;
        return policies;
      };
      await walkStore({ store, clock, random, steps: 2 * steps, policiesOf, title: `seed ${seed}` });
    });

    test('G2: takes from several policies charge all or none', async () => {
      const limits = [...mixed, three];
      const first = await store.take('ada', limits, 3);
      expect(first.verdicts.map((verdict) => verdict.remaining)).toEqual([...mixed.map(() => 7), 0]);
      for (const policies of [limits, limits.toReversed()]) {
        for (let knock = 0; knock < 10; knock += 1) {
          const { verdicts } = await store.take('ada', policies, 1);
          for (const [at, verdict] of verdicts.entries()) {
            const expected = policies[at] === three ? ['denied', 0] : ['allowed', 7];
            expect([verdict.outcome, verdict.remaining]).toEqual(expected);
          }
        }
      }
      for (const policy of mixed) expect(await remaining(policy, 'ada')).toBe(7);
      const both = await Promise.all(Array.from({ length: 50 }, () => store.take('grace', limits, 1)));
      expect(both.filter(({ verdicts }) => verdicts.every(({ outcome }) => outcome === 'allowed'))).toHaveLength(3);
    });

    test('a block of one policy refuses those who ask for more', async () => {
      await store.block('ada', [three], 5e6);
      const { verdicts } = await store.take('ada', [...mixed, three], 1);
      expect(verdicts.at(-1)).toEqual(blocked(5e6));
      for (const verdict of verdicts.slice(0, -1)) expect(verdict).toMatchObject({ outcome: 'allowed', remaining: 10 });
      for (const policy of mixed) expect(await remaining(policy, 'ada')).toBe(10);
    });

    test('an id is known for its own policies only', async () => {
      const id = newId();
      expect((await store.take('ada', [ten], 3, id)).verdicts).toMatchObject([{ outcome: 'allowed', remaining: 7 }]);
      expect((await store.take('ada', [ten, three], 3, id)).verdicts).toMatchObject([
        { outcome: 'allowed', remaining: 4 },
        { outcome: 'allowed', remaining: 0 },
      ]);
      expect((await store.take('ada', [three], 1, id)).verdicts).toMatchObject([{ outcome: 'denied' }]);
      expect((await store.take('ada', [ten, three], 3, id)).verdicts).toMatchObject([
        { outcome: 'allowed', remaining: 4 },
        { outcome: 'allowed', remaining: 0 },
      ]);
    });

    test.runIf(has(slots))('slots are held by an id, each by its own', async () => {
      await expect(store.take('ada', [slots], 1)).rejects.toThrow(ConfigurationError);
      await expect(store.take('ada', [ten, slots], 1)).rejects.toThrow(/by an id/);
      await expect(store.refund('ada', [slots], { cost: 1 } satisfies Refund)).rejects.toThrow(ConfigurationError);
      expect(await peek(ten, 'ada')).toMatchObject({ remaining: 10 });
      await take(slots, 'ada', 6, 'a');
      await take(slots, 'ada', 4, 'b');
      expect(await take(slots, 'ada', 1, 'c')).toMatchObject({ outcome: 'denied', retryAfterUs: 60e6 });
      await store.refund('ada', [slots], { cost: 1, id: 'a' });
      await store.refund('ada', [slots], { cost: 1, id: 'nobody' });
      expect(await take(slots, 'ada', 6, 'c')).toMatchObject({ outcome: 'allowed', remaining: 0 });
      // A repeat renews: half a minute later only b's have come back.
      clock.advanceUs(30e6);
      await take(slots, 'ada', 6, 'c');
      clock.advanceUs(30e6);
      expect(await take(slots, 'ada', 4, 'd')).toMatchObject({ outcome: 'allowed', remaining: 0 });
    });

    test.runIf(has(slots))('a repeat among other policies is free there, and asks for its slots again', async () => {
      const quick = concurrency({ name: 'quick', limit: 1, lease: '5s' });
      const policies = [ten, quick];
      const repeat = async (id: string) => (await store.take('ada', policies, 1, id)).verdicts;
      expect(await repeat('a')).toMatchObject([{ outcome: 'allowed', remaining: 9 }, { outcome: 'allowed' }]);
      expect(await repeat('a')).toMatchObject([{ outcome: 'allowed', remaining: 9 }, { outcome: 'allowed' }]);
      clock.advanceUs(5e6);
      await take(quick, 'ada', 1, 'b');
      expect(await repeat('a')).toMatchObject([{ outcome: 'allowed', remaining: 9 }, { outcome: 'denied' }]);
      clock.advanceUs(1e6);
      await store.refund('ada', [quick], { cost: 1, id: 'b' });
      expect(await repeat('a')).toMatchObject([{ outcome: 'allowed', remaining: 10 }, { outcome: 'allowed' }]);
    });

    test('G2: the refund of a repeated take is worth what that of the first is', async () => {
      const id = newId();
      await store.take('ada', [ten], 10, id);
      clock.advance('1m');
      await take(ten, 'ada', 10);
      const { atUs } = await store.take('ada', [ten], 10, id);
      await store.refund('ada', [ten], { cost: 10, takenAtUs: atUs, id });
      expect(await take(ten, 'ada', 1)).toMatchObject({ outcome: 'denied' });
    });

    test('G8: no two policies meet, nor a policy and a key', async () => {
      const policies = ['a', 'b', 'a.b', 'a-b', 'A'].map((each) =>
        tokenBucket({ name: each, capacity: 1, refill: { tokens: 1, every: '1h' } }),
      );
      for (const policy of policies) {
        for (const key of ['a', 'b', 'a.b', 'A']) expect(await take(policy, key)).toMatchObject({ outcome: 'allowed' });
      }
    });

    test('limits over windows of more than 24.8 days', async () => {
      const yearly = tokenBucket({ name: 'yearly', capacity: 5, refill: { tokens: 5, every: '365d' } });
      await take(yearly, 'ada', 5);
      clock.advance('72d');
      expect(await take(yearly, 'ada')).toMatchObject({ outcome: 'denied', retryAfterUs: 86_400e6 });
      clock.advance('1d');
      expect(await take(yearly, 'ada')).toMatchObject({ outcome: 'allowed' });
      const quarter = fixedWindow({ name: 'quarter', limit: 5, window: '90d', align: 'first-hit' });
      if (!has(quarter)) return;
      await take(quarter, 'ada', 5);
      clock.advance('89d');
      expect(await take(quarter, 'ada')).toMatchObject({ outcome: 'denied', retryAfterUs: 86_400e6 });
      clock.advance('1d');
      expect(await take(quarter, 'ada')).toMatchObject({ outcome: 'allowed', remaining: 4 });
    });

    if (leases) reserveCases({ store: () => store, clock: () => clock, kept }, tens);

    if (mixedSubjects) mixedCases({ store: () => store, clock: () => clock, steps, seed }, tens);

    test('a changed policy goes on from what was taken', async () => {
      await take(ten, 'ada', 10);
      const raised = tokenBucket({ name: 'ten', capacity: 15, refill: { tokens: 10, every: '1m' } });
      expect(await take(raised, 'ada', 5)).toMatchObject({ outcome: 'allowed', remaining: 0 });
      expect(await take(ten, 'ada')).toMatchObject({ outcome: 'denied', remaining: 0, retryAfterUs: 36_000_000 });
    });
  });
}

const isConcurrency = ({ strategy }: Policy): boolean => strategy === 'concurrency';

function only(verdicts: readonly Verdict[]): Verdict {
  const [verdict] = verdicts;
  if (verdict === undefined || verdicts.length !== 1) throw new Error(`expected one verdict, got ${verdicts.length}`);
  return verdict;
}

const withoutTtl = ({ name, value }: StoredKey) => ({ name, value });
