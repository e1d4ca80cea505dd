import { createLimiter, tokenBucket } from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { HOSTILE_KEYS, limitStoreSuite } from '@spillway/limit/testing';
import { connectRedis, type RedisLink } from '@spillway/redis';
import { type RedisCluster, startRedisCluster } from '@spillway/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let cluster: RedisCluster;
let link: RedisLink;
let prefixes = 0;
const newPrefix = () => {
  prefixes += 1;
  return `limit-test-${prefixes}`;
};

beforeAll(async () => {
  cluster = await startRedisCluster({ masters: 3 });
  link = connectRedis({ cluster: cluster.nodes.map(({ host, port }) => ({ host, port })), deadline: '5s' });
  await link.ready({ timeout: '30s' });
});

afterAll(async () => {
  await link?.close();
  await cluster?.close();
});

limitStoreSuite({
  name: 'redis cluster',
  create: async ({ clock }) => ({ store: redisLimitStore({ link, prefix: newPrefix(), clock }) }),
  steps: 100,
});

describe('on a Cluster', () => {
  test('all policies of a subject share a slot, whatever the subject is called', async () => {
    const policies = ['a', 'b', 'c'].map((name) =>
      tokenBucket({ name, capacity: 5, refill: { tokens: 5, every: '1m' } }),
    );
    const limiter = createLimiter(
      { policies, onStoreError: 'throw' },
      { store: redisLimitStore({ link, prefix: newPrefix() }) },
    );
    for (const key of HOSTILE_KEYS) expect(await limiter.take(key)).toMatchObject({ outcome: 'allowed', remaining: 4 });
  });
});
