import { createLimiter, type Decision, type Limiter, tokenBucket } from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { createFakeClock } from '@spillway/limit/testing';
import { connectRedis, type RedisLink } from '@spillway/redis';
import { type FaultProxy, type RedisServer, startFaultProxy, startRedis, until } from '@spillway/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const policy = tokenBucket({ name: 'p', capacity: 1000, refill: { tokens: 1, every: '1h' } });
let redis: RedisServer;
let proxy: FaultProxy;
let link: RedisLink;
let limiter: Limiter;

beforeEach(async () => {
  redis = await startRedis();
  proxy = await startFaultProxy({ target: redis });
  link = connectRedis({ url: proxy.url(redis.url) });
  await link.ready({ timeout: '10s' });
  // The clock stands still, so that every token taken can be counted afterwards.
  const store = redisLimitStore({ link, clock: createFakeClock() });
  limiter = createLimiter({ policy }, { store, presence: { instances: 4 } });
});

afterEach(async () => {
  await link.close();
  await proxy.close();
  await redis.close();
});

const takeMany = async (count: number): Promise<Decision[]> => {
  const decisions: Decision[] = [];
  for (let taken = 0; taken < count; taken += 1) decisions.push(await limiter.take('ada'));
  return decisions;
};

const taken = async (): Promise<number> => {
  const { remaining } = await until(
    async () => {
      const decision = await limiter.peek('ada');
      return decision.decidedBy === 'store' && decision;
    },
    { what: 'the store to decide again', timeoutMs: 20_000 },
  );
  return 1000 - remaining;
};

const byStore = (decisions: readonly Decision[]): number =>
  decisions.filter(({ decidedBy }) => decidedBy === 'store').length;

describe('G2: a take is charged at most once', () => {
  test('when its reply is lost', async () => {
    await takeMany(10);
    proxy.dropReplies(true);
    const [lost] = await takeMany(1);
    expect(lost).toMatchObject({ outcome: 'allowed', decidedBy: 'share', degraded: true, limit: 250 });
    await proxy.restore();
    expect(await taken()).toBe(11);
  });

  test('when the connection breaks under many takes in flight', async () => {
    await takeMany(1);
    proxy.dropReplies(true, { afterwards: 'reset' });
    const decisions = await Promise.all(Array.from({ length: 50 }, () => limiter.take('ada')));
    expect(decisions.every(({ decidedBy, degraded }) => decidedBy === 'share' && degraded)).toBe(true);
    await proxy.restore();
    expect(await taken()).toBeLessThanOrEqual(51);
  });

  test('when Redis has forgotten the script', async () => {
    for (let round = 0; round < 10; round += 1) {
      await redis.command('SCRIPT', 'FLUSH');
      expect((await takeMany(1))[0]).toMatchObject({ decidedBy: 'store', remaining: 999 - round });
    }
    // Several at once meet the empty script cache together.
    await redis.command('SCRIPT', 'FLUSH');
    await Promise.all(Array.from({ length: 20 }, () => limiter.take('ada')));
    expect(await taken()).toBe(30);
  });
});

describe('G3: whatever Redis does, takes are answered', () => {
  test('while it hangs, and late commands charge only their caller', async () => {
    await takeMany(5);
    redis.pause();
    const decisions = await takeMany(60);
    expect(decisions.every(({ outcome }) => outcome === 'allowed')).toBe(true);
    expect(byStore(decisions)).toBe(0);
    // The breaker is open: nobody waits for a deadline any more.
    expect(link.state).toBe('down');
    redis.resume();
    const charged = await taken();
    expect(charged).toBeGreaterThanOrEqual(5);
    expect(charged).toBeLessThanOrEqual(65);
    expect((await takeMany(1))[0]).toMatchObject({ decidedBy: 'store', degraded: false });
  });

  test('when it is killed and comes back empty: windows start anew, nothing needs a restart', async () => {
    await takeMany(5);
    await redis.kill();
    expect(byStore(await takeMany(20))).toBe(0);
    await redis.restart();
    expect(await taken()).toBe(0);
  });

  test('when it is full: refused writes are no denials', async () => {
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await redis.command('CONFIG', 'SET', 'maxmemory', '1');
    const [decision] = await takeMany(1);
    expect(decision).toMatchObject({ outcome: 'allowed', decidedBy: 'share', degraded: true });
    await redis.command('CONFIG', 'SET', 'maxmemory', '0');
    expect(await taken()).toBe(0);
  });

  test('when its rights are gone: an error of the server is no denial either', async () => {
    await redis.command('ACL', 'SETUSER', 'default', '-set');
    expect((await takeMany(1))[0]).toMatchObject({ outcome: 'allowed', decidedBy: 'share', degraded: true });
    await redis.command('ACL', 'SETUSER', 'default', '+@all');
    expect((await takeMany(1))[0]).toMatchObject({ decidedBy: 'store' });
  });

  test('a fast failure and a slow one are answered alike, in each of the ways to answer', async () => {
    const store = redisLimitStore({ link });
    const outcomes = async () => {
      const results: unknown[] = [];
      for (const onStoreError of ['share', 'allow', 'deny', 'throw'] as const) {
        const one = createLimiter({ policy, onStoreError }, { store, presence: { instances: 1 } });
        results.push(
          await one.take('grace').then(
            ({ outcome, decidedBy }) => `${outcome} by ${decidedBy}`,
            (error: unknown) => (error instanceof Error ? error.name : error),
          ),
        );
      }
      return results;
    };
    redis.pause();
    const slow = await outcomes();
    redis.resume();
    await redis.kill();
    expect(await outcomes()).toEqual(slow);
    expect(slow).toEqual([
      'allowed by share',
      'allowed by store-error-policy',
      'denied by store-error-policy',
      'StoreUnavailableError',
    ]);
  });
});
