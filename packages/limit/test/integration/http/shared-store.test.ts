/** Adapters over a store that has to be waited for: what goes back after the answer goes back in Redis. */
import { concurrency, createLimiter, type Policy, tokenBucket } from '@spillway/limit';
import { ExpressRateLimitStore } from '@spillway/limit/http/express-rate-limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { connectRedis, type RedisLink } from '@spillway/redis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { apps } from '../../support/http-apps.ts';

let link: RedisLink;
let prefixes = 0;
const newStore = () => {
  prefixes += 1;
  return redisLimitStore({ link, prefix: `limit-http-${process.pid}-${prefixes}` });
};
const limiterOf = (policy: Policy) => createLimiter({ policy, onStoreError: 'throw' }, { store: newStore() });

beforeAll(async () => {
  link = connectRedis({ url: inject('redisUrl'), deadline: '5s' });
  await link.ready({ timeout: '10s' });
});

afterAll(() => link.close());

describe.each(Object.entries(apps))('%s over Redis', (_name, start) => {
  test('charges, refuses, and gives back what does not count', async () => {
    const limiter = limiterOf(tokenBucket({ name: 'login', capacity: 2, refill: { tokens: 1, every: '30d' } }));
    await using app = await start({ limiter, key: () => 'ada', count: 'failed' });
    for (let times = 0; times < 4; times += 1) {
      expect((await fetch(`${app.url}/200`)).status).toBe(200);
      await expect.poll(async () => (await limiter.peek('ada')).remaining).toBe(2);
    }
    const statuses: number[] = [];
    for (let times = 0; times < 3; times += 1) statuses.push((await fetch(`${app.url}/401`)).status);
    expect(statuses).toEqual([401, 401, 429]);
  });

  test('a slot is free again after its answer', async () => {
    const limiter = limiterOf(concurrency({ name: 'slots', limit: 1, lease: '1h' }));
    await using app = await start({ limiter, key: () => 'ada' });
    for (const path of ['200', '404', 'throw']) {
      expect((await fetch(`${app.url}/${path}`)).status).not.toBe(429);
      await expect.poll(async () => (await limiter.peek('ada')).remaining).toBe(1);
    }
  });
});

test('the store for express-rate-limit counts in Redis, for all instances', async () => {
  const store = newStore();
  const instances = [
    new ExpressRateLimitStore({ store, prefix: 'a' }),
    new ExpressRateLimitStore({ store, prefix: 'a' }),
  ];
  const [one, two] = instances as [ExpressRateLimitStore, ExpressRateLimitStore];
  for (const each of instances) each.init({ windowMs: 3_600_000 });
  expect(one.localKeys).toBe(false);
  expect(await one.get('ada')).toBeUndefined();
  expect(await one.increment('ada')).toMatchObject({ totalHits: 1 });
  const { totalHits, resetTime } = await two.increment('ada');
  expect(totalHits).toBe(2);
  expect(Math.abs((resetTime?.getTime() ?? 0) - Date.now() - 3_600_000)).toBeLessThan(60_000);
  await two.decrement('ada');
  expect(await one.get('ada')).toMatchObject({ totalHits: 1 });
  await one.resetKey('ada');
  expect(await two.get('ada')).toBeUndefined();
});
