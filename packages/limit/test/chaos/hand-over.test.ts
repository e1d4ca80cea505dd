import { createLimiter, type Limiter, tokenBucket } from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { connectRedis, type RedisLink } from '@spillway/redis';
import { type FaultProxy, type RedisServer, startFaultProxy, startRedis, until } from '@spillway/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

// So slow that what refills during a test is nothing.
const policy = tokenBucket({ name: 'p', capacity: 100, refill: { tokens: 1, every: '1h' } });
let redis: RedisServer;
let proxy: FaultProxy;
let link: RedisLink;
let limiter: Limiter;

beforeEach(async () => {
  redis = await startRedis();
  proxy = await startFaultProxy({ target: redis });
  link = connectRedis({ url: proxy.url(redis.url) });
  await link.ready({ timeout: '10s' });
});

afterEach(async () => {
  await limiter.close();
  await link.close();
  await proxy.close();
  await redis.close();
});

const limited = (mode: 'exact' | 'lease'): Limiter => {
  limiter = createLimiter({ policy, mode }, { store: redisLimitStore({ link }), presence: { instances: 1 } });
  return limiter;
};

const takes = async (count: number) => {
  const by = { store: 0, lease: 0, share: 0, denied: 0 };
  for (let taken = 0; taken < count; taken += 1) {
    const { outcome, decidedBy } = await limiter.take('ada');
    if (outcome === 'denied') by.denied += 1;
    else if (decidedBy !== 'local-block' && decidedBy !== 'store-error-policy') by[decidedBy] += 1;
  }
  return by;
};

const isDown = () => until(() => link.state === 'down', { what: 'the link to be down' });
const isUp = () => until(() => link.state === 'up', { what: 'the link to be up', timeoutMs: 20_000 });

describe('G3: after an outage of a real Redis', () => {
  test.each(['exact', 'lease'] as const)('a client gets its limit once: mode %s', async (mode) => {
    limited(mode);
    await limiter.take('ada', { cost: 30 });
    await proxy.cut();
    await isDown();
    expect(await takes(50)).toEqual({ store: 0, lease: 0, share: 50, denied: 0 });
    await proxy.restore();
    await isUp();
    const back = await takes(60);
    expect(back.share).toBe(0);
    expect(back.store + back.lease).toBe(20);
  });

  test('what was used is charged once, and not by takes that may have reached the store', async () => {
    limited('exact');
    // So that Redis knows the script.
    await limiter.take('grace');
    proxy.dropReplies(true);
    expect((await takes(1)).share).toBe(1);
    await proxy.restore();
    await isUp();
    await proxy.cut();
    await isDown();
    expect((await takes(10)).share).toBe(10);
    await proxy.restore();
    await isUp();
    expect((await takes(2)).store).toBe(2);
    expect(await limiter.peek('ada')).toMatchObject({ decidedBy: 'store', remaining: 100 - 1 - 10 - 2 });
  });

  test('a Redis that forgot everything is told of it, too', async () => {
    limited('exact');
    await takes(40);
    await proxy.cut();
    await isDown();
    await takes(40);
    await redis.command('FLUSHALL');
    await proxy.restore();
    await isUp();
    await takes(1);
    expect(await limiter.peek('ada')).toMatchObject({ decidedBy: 'store', remaining: 100 - 40 - 1 });
  });
});

describe('what is left of a lease on a real Redis', () => {
  test('goes back when the limiter closes, once, and a hung Redis does not keep it from closing', async () => {
    limited('lease');
    expect((await takes(30)).lease).toBeGreaterThan(10);
    await limiter.close();
    expect(await limiter.peek('ada')).toMatchObject({ decidedBy: 'store', remaining: 70 });
    await limiter.close();
    expect(await limiter.peek('ada')).toMatchObject({ remaining: 70 });
    limited('lease');
    await takes(20);
    redis.pause();
    const before = performance.now();
    await limiter.close();
    expect(performance.now() - before).toBeLessThan(2000);
    redis.resume();
  });
});
