import { tokenBucket } from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { limitStoreSuite, type StoredKey } from '@spillway/limit/testing';
import { connectRedis, type RedisLink } from '@spillway/redis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { keysUnder } from '../support/redis-keys.ts';

let link: RedisLink;
let prefixes = 0;
const newPrefix = () => {
  prefixes += 1;
  return `limit-test-${process.pid}-${prefixes}`;
};

beforeAll(async () => {
  link = connectRedis({ url: inject('redisUrl'), deadline: '5s' });
  await link.ready({ timeout: '10s' });
});

afterAll(() => link.close());

limitStoreSuite({
  name: 'redis',
  create: async ({ clock }) => {
    const prefix = newPrefix();
    const inspect = (): Promise<readonly StoredKey[]> => keysUnder(link, prefix);
    return { store: redisLimitStore({ link, prefix, clock }), inspect };
  },
});

describe('the Redis limit store', () => {
  test('counts by the server’s clock when it is given none', async () => {
    const policy = tokenBucket({ name: 'quick', capacity: 1, refill: { tokens: 1, every: '200ms' } });
    const store = redisLimitStore({ link, prefix: newPrefix() });
    expect((await store.take('ada', [policy], 1)).verdicts).toMatchObject([{ outcome: 'allowed' }]);
    expect((await store.take('ada', [policy], 1)).verdicts).toMatchObject([{ outcome: 'denied' }]);
    await expect.poll(async () => (await store.take('ada', [policy], 1)).verdicts[0]?.outcome).toBe('allowed');
  });

  test('keeps one small key per policy and subject, in one slot, that outlives its window by a second', async () => {
    const prefix = newPrefix();
    const policies = ['a', 'b'].map((name) => tokenBucket({ name, capacity: 5, refill: { tokens: 5, every: '1m' } }));
    await redisLimitStore({ link, prefix }).take('ada:{lovelace}', policies, 5);
    const keys = await keysUnder(link, prefix);
    expect(keys.map(({ name }) => name)).toEqual([
      `${prefix}:limit:v2:{ada%3A%7Blovelace%7D}:b:a`,
      `${prefix}:limit:v2:{ada%3A%7Blovelace%7D}:b:b`,
    ]);
    for (const { value, ttlMs } of keys) {
      expect(value).toMatch(/^\d{16}$/);
      expect(ttlMs).toBeGreaterThan(60_000);
      expect(ttlMs).toBeLessThanOrEqual(61_000);
    }
  });
});
