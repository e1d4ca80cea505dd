/**
 * What every store of limits must do alike, as a suite to call from a test file: `limitStoreSuite({ name, create })`.
 * The pure step is the judge: a store agrees with it take by take, on a clock that the suite moves.
 */
import { type Clock, seededRandom } from '@spillway/kernel';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Verdict } from '../core/decision.ts';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import type { Policy } from '../strategies/policy.ts';
import { peekTokens, type TokenBucketState, takeTokens } from '../core/token-bucket.ts';
import type { LimitStore } from '../store.ts';
import { createFakeClock, type FakeClock } from './fake-clock.ts';
import { HOSTILE_KEYS } from './hostile-keys.ts';

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

export interface LimitStoreSuiteOptions {
  readonly name: string;
  /** An empty store that counts by the given clock. */
  create(options: { readonly clock: Clock }): Promise<StoreUnderTest>;
  /** Of the random walks. Default 1; a failure names it. */
  readonly seed?: number;
  /** Takes per random walk. Default 300. */
  readonly steps?: number;
}

const ten = tokenBucket({ name: 'ten', capacity: 10, refill: { tokens: 10, every: '1m' } });
const three = tokenBucket({ name: 'three', capacity: 3, refill: { tokens: 3, every: '1h' } });

/** Windows of seconds and more: a store may expire what it keeps in real time. */
const walked: readonly Policy[] = [
  ten,
  tokenBucket({ name: 'one', capacity: 1, refill: { tokens: 1, every: '13s' } }),
  tokenBucket({ name: 'sevenths', capacity: 40, refill: { tokens: 7, every: '10s' } }),
  tokenBucket({ name: 'odd', capacity: 1000, refill: { tokens: 997, every: '1.001m' } }),
  tokenBucket({ name: 'monthly', capacity: 100, refill: { tokens: 99, every: '30d' } }),
  tokenBucket({ name: 'yearly', capacity: 5, refill: { tokens: 5, every: '365d' } }),
];

export function limitStoreSuite({ name, create, seed = 1, steps = 300 }: LimitStoreSuiteOptions): void {
  describe(`limit store: ${name}`, () => {
    let clock: FakeClock;
    let subject: StoreUnderTest;
    let store: LimitStore;

    beforeEach(async () => {
      clock = createFakeClock();
      subject = await create({ clock });
      store = subject.store;
    });

    afterEach(async () => {
      const kept = (await subject.inspect?.()) ?? [];
      await subject.close?.();
      expect(
        kept.filter(({ ttlMs }) => ttlMs === undefined || ttlMs <= 0),
        'every key has a time to live',
      ).toEqual([]);
    });

    const take = async (policy: Policy, key: string, cost = 1): Promise<Verdict> =>
      only(await store.take(key, [policy], cost));
    const peek = async (policy: Policy, key: string, cost = 1): Promise<Verdict> =>
      only(await store.peek(key, [policy], cost));

    test('grants the capacity, refuses, and grants again when a token is there', async () => {
      for (let left = 9; left >= 0; left -= 1) {
        expect(await take(ten, 'ada')).toMatchObject({ outcome: 'allowed', remaining: left });
      }
      expect(await take(ten, 'ada')).toMatchObject({ outcome: 'denied', reason: 'exhausted', retryAfterUs: 6_000_000 });
      clock.advanceUs(5_999_999);
      expect(await take(ten, 'ada')).toMatchObject({ outcome: 'denied', retryAfterUs: 1 });
      clock.advanceUs(1);
      expect(await take(ten, 'ada')).toMatchObject({ outcome: 'allowed', remaining: 0 });
    });

    test.each(walked)('G2: agrees with the pure step, take by take: $name', async (policy) => {
      const random = seededRandom(seed);
      const states = new Map<string, TokenBucketState | undefined>();
      for (let step = 0; step < steps; step += 1) {
        if (random() < 0.6) clock.advanceUs(Math.floor(random() * random() * policy.rate.fullUs));
        const key = random() < 0.7 ? 'ada' : 'grace';
        const cost = random() < 0.6 ? 1 : 1 + Math.floor(random() * (policy.capacity + 1));
        const at = `seed ${seed}, step ${step}`;
        const state = states.get(key);
        expect(await peek(policy, key, cost), at).toEqual(peekTokens(policy, state, clock.nowUs(), cost));
        const expected = takeTokens(policy, state, clock.nowUs(), cost);
        states.set(key, expected.state);
        expect(await take(policy, key, cost), at).toEqual(expected.verdict);
      }
    });

    test('G2: a refusal costs nothing, however often it is asked for', async () => {
      await take(ten, 'ada', 8);
      const before = await subject.inspect?.();
      for (let knock = 0; knock < 20; knock += 1) {
        expect(await take(ten, 'ada', 3)).toMatchObject({ outcome: 'denied', remaining: 2 });
      }
      expect((await subject.inspect?.())?.map(withoutTtl)).toEqual(before?.map(withoutTtl));
      expect(await take(ten, 'ada', 2)).toMatchObject({ outcome: 'allowed', remaining: 0 });
    });

    test('a cost above the capacity never fits, and leaves nothing behind', async () => {
      for (const cost of [11, 1e9, Number.MAX_SAFE_INTEGER]) {
        expect(await take(ten, 'ada', cost)).toEqual({
          outcome: 'denied',
          reason: 'cost-exceeds-capacity',
          remaining: 10,
          refillAfterUs: 0,
          resetAfterUs: 0,
        });
      }
      expect((await subject.inspect?.()) ?? []).toEqual([]);
    });

    test('G2: takes from several policies charge all or none', async () => {
      expect(await store.take('ada', [ten, three], 3)).toMatchObject([
        { outcome: 'allowed', remaining: 7 },
        { outcome: 'allowed', remaining: 0 },
      ]);
      for (let knock = 0; knock < 20; knock += 1) {
        expect(await store.take('ada', [ten, three], 1)).toMatchObject([
          { outcome: 'allowed', remaining: 7 },
          { outcome: 'denied', remaining: 0 },
        ]);
        expect(await store.take('ada', [three, ten], 1)).toMatchObject([{ outcome: 'denied' }, { outcome: 'allowed' }]);
      }
      expect(await peek(ten, 'ada')).toMatchObject({ remaining: 7 });
    });

    test('G2: takes at the same time never get more than the capacity', async () => {
      const verdicts = await Promise.all(Array.from({ length: 100 }, () => take(ten, 'ada')));
      expect(verdicts.filter(({ outcome }) => outcome === 'allowed')).toHaveLength(10);
      const both = await Promise.all(Array.from({ length: 50 }, () => store.take('grace', [ten, three], 1)));
      expect(both.filter((pair) => pair.every(({ outcome }) => outcome === 'allowed'))).toHaveLength(3);
    });

    test('peek charges nothing and keeps nothing', async () => {
      for (let look = 0; look < 20; look += 1) expect(await peek(ten, 'ada', 10)).toMatchObject({ outcome: 'allowed' });
      expect((await subject.inspect?.()) ?? []).toEqual([]);
      expect(await take(ten, 'ada', 10)).toMatchObject({ outcome: 'allowed', remaining: 0 });
    });

    test('G8: no two identifiers meet, whatever characters they hold', async () => {
      for (const key of HOSTILE_KEYS) {
        expect(await take(ten, key, 10), JSON.stringify(key.slice(0, 30))).toMatchObject({ outcome: 'allowed' });
      }
      for (const key of HOSTILE_KEYS) expect(await take(ten, key)).toMatchObject({ outcome: 'denied' });
    });

    test('G8: no two policies meet, nor a policy and a key', async () => {
      const pair = ['a', 'b', 'a.b', 'a-b', 'A'].map((policy) =>
        tokenBucket({ name: policy, capacity: 1, refill: { tokens: 1, every: '1h' } }),
      );
      for (const policy of pair) {
        for (const key of ['a', 'b', 'a.b', 'A']) expect(await take(policy, key)).toMatchObject({ outcome: 'allowed' });
      }
    });

    test('reset forgets one key and no other', async () => {
      for (const key of ['a*', 'ab', 'a', '*']) await store.take(key, [ten, three], 3);
      await store.reset('a*', [ten, three]);
      await store.reset('nobody', [ten]);
      expect(await store.take('a*', [ten, three], 3)).toMatchObject([{ remaining: 7 }, { remaining: 0 }]);
      for (const key of ['ab', 'a', '*']) expect(await take(three, key)).toMatchObject({ outcome: 'denied' });
    });

    test('limits over windows of more than 24.8 days', async () => {
      const [yearly] = walked.slice(-1);
      if (yearly === undefined) throw new Error('no policy');
      await take(yearly, 'ada', 5);
      clock.advance('72d');
      expect(await take(yearly, 'ada')).toMatchObject({ outcome: 'denied', retryAfterUs: 86_400e6 });
      clock.advance('1d');
      expect(await take(yearly, 'ada')).toMatchObject({ outcome: 'allowed' });
    });

    test('a changed policy goes on from what was taken', async () => {
      await take(ten, 'ada', 10);
      const raised = tokenBucket({ name: 'ten', capacity: 15, refill: { tokens: 10, every: '1m' } });
      expect(await take(raised, 'ada', 5)).toMatchObject({ outcome: 'allowed', remaining: 0 });
      expect(await take(ten, 'ada')).toMatchObject({ outcome: 'denied', remaining: 0, retryAfterUs: 36_000_000 });
    });
  });
}

function only(verdicts: readonly Verdict[]): Verdict {
  const [verdict] = verdicts;
  if (verdict === undefined || verdicts.length !== 1) throw new Error(`expected one verdict, got ${verdicts.length}`);
  return verdict;
}

const withoutTtl = ({ name, value }: StoredKey) => ({ name, value });
