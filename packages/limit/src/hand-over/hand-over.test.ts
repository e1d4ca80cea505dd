import { StoreUnavailableError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import { createLimiter } from '../limiter.ts';
import type { LimiterOptions } from '../limiter-options.ts';
import type { LimitStore } from '../store.ts';
import { fixedWindow } from '../strategies/fixed-window/policy.ts';
import type { Policy } from '../strategies/policy.ts';
import { slidingLog } from '../strategies/sliding-log/policy.ts';
import { slidingWindow } from '../strategies/sliding-window/policy.ts';
import { sharedStore } from '../testing/shared-store.ts';

const policy = tokenBucket({ name: 'p', capacity: 100, refill: { tokens: 100, every: '1h' } });
const notSent = new StoreUnavailableError('limit', undefined, 'is down', { mayHaveRun: false });
const unanswered = new StoreUnavailableError('limit');

function limited(of: readonly Policy[] = [policy], options: Partial<LimiterOptions> = {}, instances = 1) {
  const shared = sharedStore();
  const { store, clock } = shared;
  const limiter = createLimiter({ policies: of, ...options }, { store, clock, presence: { instances } });
  const take = (key = 'ada', cost = 1) => limiter.take(key, { cost });
  const takes = async (count: number) => {
    let allowed = 0;
    for (let taken = 0; taken < count; taken += 1) if ((await take()).outcome === 'allowed') allowed += 1;
    return allowed;
  };
  return { ...shared, limiter, take, takes };
}

describe('G3: after an outage', () => {
  test('the next take of a key carries what was used meanwhile, once', async () => {
    const { take, takes, goAway, counts, left } = limited();
    await take();
    goAway(notSent);
    expect(await takes(40)).toBe(40);
    goAway();
    const before = counts('reserve');
    expect(await take()).toMatchObject({ outcome: 'allowed', decidedBy: 'store', remaining: 58 });
    expect(counts('reserve')).toBe(before + 1);
    expect(await take()).toMatchObject({ remaining: 57 });
    expect(counts('reserve')).toBe(before + 1);
    expect(await left('ada', policy)).toBe(57);
  });

  test('one instance, all of whose takes were not sent, leaves no burst', async () => {
    const { takes, goAway, clock } = limited();
    goAway(notSent);
    expect(await takes(150)).toBe(100);
    goAway();
    clock.advance('2m');
    expect(await takes(150)).toBe(3);
  });

  test('a take that may have run is never charged again, nor one with an id', async () => {
    const { limiter, take, goAway, left } = limited();
    goAway(unanswered);
    await take('ada', 30);
    goAway(notSent);
    await limiter.take('ada', { cost: 20, id: 'one' });
    await take('ada', 5);
    goAway();
    await take();
    expect(await left('ada', policy)).toBe(94);
  });

  test('what is owed is gone once it is sent, though nobody answers', async () => {
    const { take, goAway, asked, left } = limited();
    goAway(notSent);
    await take('ada', 30);
    goAway(unanswered);
    await take();
    expect(asked.at(-1)).toMatchObject({ what: 'reserve', reserve: { owed: [{ units: 30 }] } });
    goAway();
    await take();
    expect(await left('ada', policy)).toBe(99);
  });

  test('what is owed drives nobody into debt, and a refused take is a refusal', async () => {
    const { take, goAway, left, memory, clock } = limited();
    await take();
    goAway(notSent);
    await take('ada', 60);
    await memory.take('ada', [policy], 70);
    goAway();
    expect(await take('ada', 5)).toMatchObject({ outcome: 'denied', decidedBy: 'store', remaining: 0 });
    clock.advance('36s');
    expect(await left('ada', policy)).toBe(1);
  });

  test.each([
    fixedWindow({ name: 'fixed', limit: 100, window: '10s' }),
    fixedWindow({ name: 'first', limit: 100, window: '10s', align: 'first-hit' }),
    slidingWindow({ name: 'sliding', limit: 100, window: '100s', subWindows: 10 }),
  ])('a window counts what was used within it, and none of what was used before: $name', async (windowed) => {
    const isSliding = windowed.name === 'sliding';
    for (const [pause, owes] of [
      ['1s', true],
      // A sub-window later.
      ['10s', isSliding],
      ['110s', false],
    ] as const) {
      const { take, goAway, clock } = limited([windowed]);
      await take();
      clock.advance('2s');
      goAway(notSent);
      await take('ada', 40);
      goAway();
      clock.advance(pause);
      const isFirstGone = pause === '110s' || !(isSliding || owes);
      const expected = 98 + (isFirstGone ? 1 : 0) - (owes ? 40 : 0);
      expect(await take()).toMatchObject({ remaining: expected });
    }
  });

  test('a store that gives no leases is told with the take alone', async () => {
    const { store, clock, goAway, left, memory } = sharedStore();
    const { reserve, ...exact } = store;
    const told: unknown[] = [];
    const takeOwing: LimitStore['takeOwing'] = async (key, policies, cost, owed) => {
      told.push(owed);
      return memory.reserve(key, policies, cost, { want: 0, parts: 1, owed });
    };
    const limiter = createLimiter({ policy }, { store: { ...exact, takeOwing }, clock, presence: { instances: 1 } });
    await limiter.take('ada');
    goAway(notSent);
    await limiter.take('ada', { cost: 40 });
    goAway();
    expect(await limiter.take('ada')).toMatchObject({ decidedBy: 'store', remaining: 58 });
    await limiter.take('ada');
    expect(told).toMatchObject([[{ units: 40 }]]);
    expect(await left('ada', policy)).toBe(57);
  });

  test('among several policies each is told of its own; a log is told nothing', async () => {
    const log = slidingLog({ name: 'log', limit: 50, window: '1h' });
    const { take, goAway, left } = limited([policy, log]);
    goAway(notSent);
    await take('ada', 10);
    goAway();
    await take();
    expect([await left('ada', policy), await left('ada', log)]).toEqual([89, 49]);
  });

  test('a refund or a reset of what the share gave is not handed over', async () => {
    const { limiter, take, goAway, left } = limited();
    goAway(notSent);
    const decision = await take('ada', 30);
    await limiter.refund('ada', { of: decision, cost: 10 });
    goAway();
    await take();
    expect(await left('ada', policy)).toBe(79);
    goAway(notSent);
    await take('ada', 30);
    await expect(limiter.reset('ada')).rejects.toBe(notSent);
    goAway();
    await take();
    expect(await left('ada', policy)).toBe(78);
  });

  test('leases and what is owed travel together', async () => {
    const { take, takes, goAway, asked, left, limiter } = limited([policy], { mode: 'lease' });
    goAway(notSent);
    await takes(20);
    goAway();
    const decisions: string[] = [];
    for (let taken = 0; taken < 20; taken += 1) decisions.push((await take()).decidedBy);
    const reserves = asked.flatMap(({ reserve }) => (reserve === undefined ? [] : [reserve]));
    expect(reserves.filter(({ owed }) => owed !== undefined && owed[0]?.units === 20).length).toBeGreaterThan(0);
    expect(decisions).toContain('lease');
    await limiter.close();
    expect(await left('ada', policy)).toBe(100 - 40);
  });
});
