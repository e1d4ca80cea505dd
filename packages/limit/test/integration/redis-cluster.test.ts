import {
  concurrency,
  createLimiter,
  createMixedLimiter,
  fixedWindow,
  quota,
  slidingLog,
  tokenBucket,
} from '@spillway/limit';
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
  mixedSubjects: false,
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

  test('several subjects in one step are refused when the limiter is made, and two calls named instead', () => {
    const [client, everybody] = ['client', 'everybody'].map((name) =>
      tokenBucket({ name, capacity: 5, refill: { tokens: 5, every: '1m' } }),
    );
    if (client === undefined || everybody === undefined) throw new Error('two policies');
    const dependencies = { store: redisLimitStore({ link, prefix: newPrefix() }), presence: { instances: 1 } };
    expect(() => createMixedLimiter({ subjects: { client, everybody } }, dependencies)).toThrow(
      /Cluster.*take from "client" first, then from "everybody", and refund the first when the second refuses/,
    );
  });

  test('calls of one turn for subjects of many slots are each answered in order, their ids remembered beside them', async () => {
    const store = redisLimitStore({ link, prefix: newPrefix() });
    const policies = [
      tokenBucket({ name: 'a', capacity: 3, refill: { tokens: 1, every: '1h' } }),
      fixedWindow({ name: 'b', limit: 3, window: '1h', align: 'first-hit' }),
      quota({ name: 'c', limit: 3, per: 'month' }),
      slidingLog({ name: 'd', limit: 3, window: '1h' }),
      concurrency({ name: 'e', limit: 3, lease: '1h' }),
    ];
    const keys = Array.from({ length: 50 }, (_, at) => `key-${at}`);
    // Teaches the store's time, which ids ask for: who has to learn it first is sent anew, after the others.
    await Promise.all(keys.map((key) => store.peek(key, policies, 1)));
    const takes = await Promise.all(
      keys.flatMap((key) => ['x', 'y', 'x', 'z', 'w'].map((id) => store.take(key, policies, 1, id))),
    );
    const told = takes.map(({ verdicts }) => verdicts.map(({ outcome, remaining }) => `${outcome} ${remaining}`));
    const each = ['allowed 2', 'allowed 1', 'allowed 1', 'allowed 0', 'denied 0'];
    expect(told).toEqual(keys.flatMap(() => each.map((words) => policies.map(() => words))));
  });
});
