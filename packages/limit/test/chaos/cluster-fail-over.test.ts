import { setTimeout as pause } from 'node:timers/promises';
import { createLimiter, type Policy, tokenBucket } from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { connectRedis, createKeys, type RedisLink } from '@spillway/redis';
import { type RedisCluster, startRedisCluster, until } from '@spillway/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

const INSTANCES = 3;
const DEADLINE_MS = 200;
// So slow that what refills during the test is nothing.
const policyOf = (capacity: number) => tokenBucket({ name: 'p', capacity, refill: { tokens: 1, every: '1h' } });
const keyOf = createKeys({ prefix: 'spillway', package: 'limit', version: 2 });

let cluster: RedisCluster;
let links: readonly RedisLink[] = [];

beforeAll(async () => {
  cluster = await startRedisCluster({ masters: 3, replicas: 1 });
  const nodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
  links = Array.from({ length: INSTANCES }, () => connectRedis({ cluster: nodes, deadline: `${DEADLINE_MS}ms` }));
  await Promise.all(links.map((link) => link.ready({ timeout: '30s' })));
});

afterAll(async () => {
  await Promise.all(links.map((link) => link.close()));
  await cluster?.close();
});

/** Three instances that take one key each few milliseconds, until they are stopped. */
function takers(key: string, policy: Policy) {
  const counts = { store: 0, share: 0, longestMs: 0 };
  let isRunning = true;
  const loops = links.map(async (link) => {
    const store = redisLimitStore({ link });
    const limiter = createLimiter({ policy }, { store, presence: { instances: INSTANCES } });
    while (isRunning) {
      const startedAt = performance.now();
      const { outcome, decidedBy } = await limiter.take(key);
      counts.longestMs = Math.max(counts.longestMs, performance.now() - startedAt);
      if (outcome === 'allowed') counts[decidedBy === 'store' ? 'store' : 'share'] += 1;
      await pause(5);
    }
  });
  const stop = async () => {
    isRunning = false;
    await Promise.all(loops);
    return counts;
  };
  return { counts, stop };
}

test('G2: a slot that moves to another node under way takes its limits along', async () => {
  const key = 'mover';
  const capacity = 5000;
  const slot = await cluster.slotOf(keyOf(key));
  const from = await cluster.ownerOf(slot);
  const to = cluster.masters.find((node) => node !== from);
  if (to === undefined) throw new Error('no other master');
  const running = takers(key, policyOf(capacity));
  await until(() => running.counts.store > 50, { what: 'takes' });
  await cluster.moveSlot(slot, to, () => pause(100));
  const moved = running.counts.store;
  await until(() => running.counts.store > moved + 50, { what: 'the new node to decide' });
  const { store, share, longestMs } = await running.stop();
  const [verdict] = await redisLimitStore({ link: links[0] as RedisLink }).peek(key, [policyOf(capacity)], 1);
  // All that it admitted is charged, and so is what shares gave while nobody could tell which node has the slot.
  expect(capacity - (verdict?.remaining ?? 0)).toBeGreaterThanOrEqual(store);
  expect(share).toBeLessThan(store);
  expect(longestMs).toBeLessThan(DEADLINE_MS + 800);
});

test('G2 G3: a node that is killed is followed by its replica: at most one limit more, the shares meanwhile, and nobody waits', async () => {
  const key = 'ada';
  const capacity = 600;
  const policy = policyOf(capacity);
  const slot = await cluster.slotOf(keyOf(key));
  const master = await cluster.ownerOf(slot);
  const running = takers(key, policy);
  await until(() => running.counts.store > 50, { what: 'takes' });
  await master.kill();
  await until(() => running.counts.share > 0, { what: 'a take by a share' });
  const store = redisLimitStore({ link: links[0] as RedisLink });
  const answers = () =>
    store.peek(key, [policy], 1).then(
      () => true,
      () => false,
    );
  await until(answers, { what: 'the replica to take over', timeoutMs: 30_000 });
  await pause(500);
  const { counts } = running;
  await running.stop();
  expect(counts.store).toBeLessThanOrEqual(2 * capacity);
  expect(counts.share).toBeLessThanOrEqual(INSTANCES * Math.floor(capacity / INSTANCES));
  expect(counts.longestMs).toBeLessThan(DEADLINE_MS + 800);
  const limiter = createLimiter({ policy, onStoreError: 'throw' }, { store, presence: { instances: INSTANCES } });
  expect((await limiter.take('somebody else’s')).decidedBy).toBe('store');
});
