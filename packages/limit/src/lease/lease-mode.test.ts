import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ConfigurationError, StoreUnavailableError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import { createLimiter } from '../limiter.ts';
import type { LimiterOptions } from '../limiter-options.ts';
import type { LimitLeaseMessage } from '../messages.ts';
import { concurrency } from '../strategies/concurrency/policy.ts';
import { fixedWindow } from '../strategies/fixed-window/policy.ts';
import { gcra } from '../strategies/gcra/policy.ts';
import type { Policy } from '../strategies/policy.ts';
import { slidingLog } from '../strategies/sliding-log/policy.ts';
import { slidingWindow } from '../strategies/sliding-window/policy.ts';
import { createFakeClock } from '../testing/fake-clock.ts';
import { sharedStore } from '../testing/shared-store.ts';

const policy = tokenBucket({ name: 'api', capacity: 1000, refill: { tokens: 1000, every: '1h' } });

function leased(of: Policy = policy, instances = 1, lease = {}) {
  const shared = sharedStore();
  const { store, clock } = shared;
  const limiter = createLimiter({ policy: of, mode: 'lease', lease }, { store, presence: { instances }, clock });
  const take = (key = 'ada', cost = 1) => limiter.take(key, { cost });
  /** Takes thirty times or more, until it has a lease with some left. */
  const warm = async (key = 'ada') => {
    for (let taken = 0; taken < 30; taken += 1) await take(key);
    for (let more = 0; more < 3 && (await limiter.peek(key)).decidedBy !== 'lease'; more += 1) await take(key);
    expect((await limiter.peek(key)).decidedBy).toBe('lease');
  };
  return { ...shared, limiter, take, warm };
}

describe('mode lease', () => {
  test('asks the store less and less often, and says who decided', async () => {
    const { take, asked, left } = leased();
    const by: string[] = [];
    for (let taken = 0; taken < 300; taken += 1) by.push((await take()).decidedBy);
    expect(by.slice(0, 3)).toEqual(['store', 'store', 'lease']);
    expect(asked.length).toBeLessThan(20);
    const held = 1000 - 300 - ((await left('ada', policy)) ?? 0);
    expect(held).toBeGreaterThanOrEqual(0);
    expect(held).toBeLessThanOrEqual(300);
  });

  test('answers with what is left as far as it knows: of the lease and beyond', async () => {
    const { take, warm, clock } = leased();
    await warm();
    for (let left = 969; left > 965; left -= 1) {
      expect(await take()).toMatchObject({ outcome: 'allowed', limit: 1000, remaining: left, degraded: false });
    }
    clock.advanceUs(500_000);
    const decision = await take();
    expect(decision).toMatchObject({ outcome: 'allowed', remaining: 965, resetAfterMs: 35 * 3600 - 500 });
  });

  test('G2: one-time keys lease nothing, and many takes of one turn ask for one lease', async () => {
    const { take, asked, counts } = leased();
    for (let key = 0; key < 100; key += 1) await take(`visitor-${key}`);
    expect(counts('reserve')).toBe(0);
    expect(asked).toHaveLength(100);
    await Promise.all(Array.from({ length: 50 }, () => take('ada')));
    expect(counts('reserve')).toBe(0);
    await Promise.all(Array.from({ length: 50 }, () => take('ada')));
    expect(counts('reserve')).toBe(1);
  });

  test('G2: near the limit every take is exact, to the last unit', async () => {
    const ten = tokenBucket({ name: 'ten', capacity: 10, refill: { tokens: 10, every: '1h' } });
    const { take, left } = leased(ten, 3);
    const by: string[] = [];
    for (let taken = 0; taken < 10; taken += 1) {
      const { outcome, decidedBy } = await take();
      expect(outcome).toBe('allowed');
      by.push(decidedBy);
    }
    expect(by.slice(-5)).toEqual(['store', 'store', 'store', 'store', 'store']);
    expect(await take()).toMatchObject({ outcome: 'denied', reason: 'exhausted', decidedBy: 'store' });
    expect(await left('ada', ten)).toBe(0);
  });

  test('G2: a lease asks for no more than its part of what is left', async () => {
    const { warm, asked } = leased(policy, 4);
    await warm();
    const reserves = asked.flatMap(({ reserve }) => (reserve === undefined ? [] : [reserve]));
    expect(reserves.every(({ parts }) => parts === 8)).toBe(true);
  });

  test('G2: a lease is over maxAge after it was asked for, however late its answer came', async () => {
    const { limiter, take, warm, clock, holdAnswers, counts } = leased(policy, 1, { maxAge: '200ms' });
    await warm();
    while ((await limiter.peek('ada')).decidedBy === 'lease') await take();
    let answer = (): void => {};
    holdAnswers(new Promise((resolve) => (answer = resolve)));
    const waiting = take();
    clock.advanceUs(150_000);
    answer();
    expect((await waiting).decidedBy).toBe('store');
    holdAnswers();
    clock.advanceUs(49_999);
    expect((await take()).decidedBy).toBe('lease');
    clock.advanceUs(1);
    const before = counts('reserve') + counts('take');
    expect((await take()).decidedBy).toBe('store');
    expect(counts('reserve') + counts('take')).toBe(before + 1);
  });

  test.each([
    fixedWindow({ name: 'w', limit: 1000, window: '1s', align: 'clock' }),
    slidingWindow({ name: 's', limit: 1000, window: '10s', subWindows: 10 }),
  ])('G2: a lease dies with its window: $strategy', async (windowed) => {
    const { take, warm, clock } = leased(windowed, 1, { maxAge: '30s' });
    clock.advanceUs(400_000);
    await warm();
    clock.advanceUs(599_999);
    expect((await take()).decidedBy).toBe('lease');
    clock.advanceUs(1);
    expect((await take()).decidedBy).toBe('store');
  });

  test('takes with an id, and a cost beyond the lease, go to the store', async () => {
    const { limiter, take, warm, left } = leased();
    await warm();
    const before = (await left('ada', policy)) ?? 0;
    for (let repeat = 0; repeat < 3; repeat += 1) {
      expect(await limiter.take('ada', { cost: 5, id: 'one' })).toMatchObject({ decidedBy: 'store' });
    }
    expect(await left('ada', policy)).toBe(before - 5);
    expect(await take('ada', 500)).toMatchObject({ outcome: 'allowed', decidedBy: 'store' });
  });

  test('what a leased take did not use comes back by a refund of its decision', async () => {
    const { limiter, warm, left } = leased();
    await warm();
    const decision = await limiter.take('ada');
    expect(decision).toMatchObject({ decidedBy: 'lease', chargedAtUs: expect.any(Number) });
    const before = (await left('ada', policy)) ?? 0;
    await limiter.refund('ada', { of: decision });
    expect(await left('ada', policy)).toBe(before + 1);
  });

  test('a look says what the next take says', async () => {
    const { limiter, warm } = leased();
    await warm();
    const seen = await limiter.peek('ada');
    expect(seen).toMatchObject({ outcome: 'allowed', decidedBy: 'lease' });
    expect(await limiter.peek('ada')).toEqual(seen);
    expect((await limiter.take('ada')).remaining).toBe(seen.remaining - 1);
  });
});

describe('what is left of a lease', () => {
  test('is told, with what was granted and spent, and adds up once all leases are over', async () => {
    const units = { granted: 0, spent: 0, 'handed-back': 0, lost: 0 };
    const listen = (message: unknown) => {
      const { what, units: some, policies } = message as LimitLeaseMessage;
      expect(policies).toEqual(['api']);
      units[what] += some;
    };
    subscribe('spillway:limit:lease', listen);
    const { limiter, take, warm } = leased();
    await warm('grace');
    await limiter.reset('grace');
    let leasedTakes = 0;
    for (let taken = 0; taken < 40; taken += 1) if ((await take()).decidedBy === 'lease') leasedTakes += 1;
    const before = units.spent;
    await limiter.close();
    unsubscribe('spillway:limit:lease', listen);
    expect(units.spent).toBeGreaterThan(before);
    expect(units.spent).toBeGreaterThan(leasedTakes);
    expect(units['handed-back']).toBeGreaterThan(0);
    expect(units.lost).toBeGreaterThan(0);
    expect(units.spent + units['handed-back'] + units.lost).toBe(units.granted);
  });

  test('one that is still on its way when the limiter closes goes back before that ends', async () => {
    const { limiter, take, warm, clock, holdAnswers, left, asked } = leased();
    await warm();
    clock.advanceUs(600_000);
    while ((await limiter.peek('ada')).decidedBy === 'lease') await take();
    const before = 1000 - ((await left('ada', policy)) ?? 0);
    let release = () => {};
    holdAnswers(new Promise((resolve) => (release = resolve)));
    const late = take();
    await expect.poll(() => asked.at(-1)?.what).toBe('reserve');
    let isClosed = false;
    const closing = limiter.close().then(() => (isClosed = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isClosed).toBe(false);
    holdAnswers();
    release();
    await closing;
    expect((await late).outcome).toBe('allowed');
    expect(1000 - ((await left('ada', policy)) ?? 0)).toBe(before + 1);
  });

  test('goes back once when the limiter closes, and not again', async () => {
    const { limiter, take, counts, left } = leased();
    for (let taken = 0; taken < 40; taken += 1) await take();
    await limiter.close();
    expect(counts('refund')).toBe(1);
    expect(await left('ada', policy)).toBe(960);
    await limiter.close();
    expect(counts('refund')).toBe(1);
    // It goes on, exactly: nothing is left behind by a process that is about to end.
    for (let taken = 0; taken < 20; taken += 1) expect((await take()).decidedBy).toBe('store');
    expect(await left('ada', policy)).toBe(940);
  });

  test('goes back once when nobody spends it any more', async () => {
    const { limiter, take, clock, counts, left } = leased(policy, 1, { maxAge: '40ms' });
    for (let taken = 0; taken < 40; taken += 1) await take();
    clock.advanceUs(20_000);
    await expect.poll(() => counts('refund')).toBe(1);
    expect(await left('ada', policy)).toBe(960);
    await limiter.close();
    expect(counts('refund')).toBe(1);
  });

  test('goes back when a take that it does not cover brings the next one', async () => {
    const { limiter, take, warm, counts, left } = leased();
    await warm();
    expect(await take('ada', 100)).toMatchObject({ outcome: 'allowed', decidedBy: 'store' });
    expect(counts('refund')).toBe(1);
    await limiter.close();
    expect(counts('refund')).toBe(2);
    expect(await left('ada', policy)).toBe(1000 - 130);
  });

  test('is not sent when it is worth nothing any more', async () => {
    const quick = tokenBucket({ name: 'quick', capacity: 1000, refill: { tokens: 1000, every: '1s' } });
    const { limiter, take, clock, counts } = leased(quick);
    for (let taken = 0; taken < 40; taken += 1) await take();
    clock.advanceUs(900_000);
    await limiter.close();
    expect(counts('refund')).toBe(0);
  });

  test('is forgotten with a reset and a block, one that is on its way too', async () => {
    const { limiter, take, warm, counts, left, holdAnswers } = leased();
    await warm();
    await limiter.reset('ada');
    expect((await take()).decidedBy).toBe('store');
    await warm();
    while ((await limiter.peek('ada')).decidedBy === 'lease') await take();
    let answer = (): void => {};
    holdAnswers(new Promise((resolve) => (answer = resolve)));
    const waiting = take();
    holdAnswers();
    await limiter.reset('ada');
    answer();
    await waiting;
    expect(await left('ada', policy)).toBe(1000);
    expect((await take()).decidedBy).toBe('store');
    await warm();
    const before = counts('refund');
    await limiter.block('ada', '1h');
    expect(await take()).toMatchObject({ outcome: 'denied', reason: 'blocked' });
    await limiter.close();
    expect(counts('refund')).toBe(before);
  });

  test('ends when the store says that somebody else has blocked the key', async () => {
    const { take, warm, memory } = leased();
    await warm();
    await memory.block('ada', [policy], 60e6);
    expect((await take()).decidedBy).toBe('lease');
    expect(await take('ada', 900)).toMatchObject({ reason: 'blocked', decidedBy: 'store' });
    expect(await take()).toMatchObject({ outcome: 'denied', reason: 'blocked' });
  });
});

describe('G3: with the store away, mode lease', () => {
  test('spends its leases to their end, then its share, and spends nothing that was not granted', async () => {
    const { take, warm, goAway, clock } = leased(policy, 2);
    await warm();
    goAway(new StoreUnavailableError('limit'));
    expect((await take()).decidedBy).toBe('lease');
    clock.advanceUs(1_000_000);
    expect(await take()).toMatchObject({ outcome: 'allowed', decidedBy: 'share', limit: 500, degraded: true });
    goAway();
    clock.advanceUs(1_000_000);
    expect((await take()).decidedBy).toBe('store');
  });
});

test('takeNow answers from leases where the store is in this process, and says why it can not otherwise', () => {
  const clock = createFakeClock();
  const limiter = createLimiter({ policy, mode: 'lease' }, { clock });
  expect(limiter.synchronous).toBe(true);
  const by = Array.from({ length: 20 }, () => limiter.takeNow('ada').decidedBy);
  expect(by.slice(0, 3)).toEqual(['store', 'store', 'lease']);
  const { limiter: shared } = leased();
  expect(shared.synchronous).toBe(false);
  expect(() => shared.takeNow('ada')).toThrow(ConfigurationError);
});

describe('mode lease is refused, with the alternative,', () => {
  const { store } = sharedStore();
  const presence = { instances: 1 };
  const refusal = (options: unknown, dependencies: object = { store, presence }): string => {
    try {
      createLimiter(options as LimiterOptions, dependencies);
    } catch (error) {
      if (error instanceof ConfigurationError) return error.message;
      throw error;
    }
    return 'accepted';
  };

  test.each([
    [
      slidingLog({ name: 'log', limit: 10, window: '1s' }),
      /"sliding-log" of policy "log".*use mode "exact", or "sliding-window"/,
    ],
    [concurrency({ name: 'slots', limit: 10, lease: '1s' }), /"concurrency" of policy "slots".*use mode "exact"/],
    [
      gcra({ name: 'even', limit: 10, every: '1s', burst: 'strict' }),
      /"gcra" of policy "even".*or a burst of 1 or more/,
    ],
  ])('for policies that take none: $strategy', (refused, message) => {
    expect(refusal({ policies: [policy, refused], mode: 'lease' })).toMatch(message);
  });

  test('for stores that give none, settings out of range, and without the number of instances', () => {
    const { reserve: _, ...plain } = store;
    expect(refusal({ policy, mode: 'lease' }, { store: plain, presence })).toMatch(/use mode "exact" with it/);
    expect(refusal({ policy, mode: 'lease', lease: { maxAge: '1ms', maxKeys: 0 } })).toMatch(
      /lease.maxAge: must be a duration from "10ms" to "1m".*"1ms"[\s\S]*lease.maxKeys: must be an integer >= 1, got 0/,
    );
    expect(refusal({ policy, mode: 'lease', lease: 'yes' })).toMatch(/lease: must be { maxAge, maxKeys }/);
    expect(refusal({ policy, lease: { maxAge: '1s' } })).toMatch(/lease: is only used in mode "lease"/);
    expect(refusal({ policy, mode: 'lease', onStoreError: 'deny' }, { store })).toMatch(/presence: is missing/);
    expect(refusal({ policy, mode: 'lease' })).toBe('accepted');
  });
});
