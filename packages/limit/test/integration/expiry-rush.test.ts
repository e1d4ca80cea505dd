import { setTimeout as pause } from 'node:timers/promises';
import { createLimiter, fixedWindow, type Policy, tokenBucket } from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { connectRedis, type RedisLink } from '@spillway/redis';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { keysUnder } from '../support/redis-keys.ts';

const INSTANCES = 3;
let links: RedisLink[] = [];

beforeAll(async () => {
  links = Array.from({ length: INSTANCES }, () => connectRedis({ url: inject('redisUrl'), deadline: '5s' }));
  await Promise.all(links.map((link) => link.ready({ timeout: '10s' })));
});

afterAll(() => Promise.all(links.map((link) => link.close())));

const policies: readonly Policy[] = [
  fixedWindow({ name: 'window', limit: 10, window: '100ms', align: 'first-hit' }),
  tokenBucket({ name: 'bucket', capacity: 10, refill: { tokens: 10, every: '100ms' } }),
];

test('G2: instances that all come in the second in which a key expires get the limit once, and leave no key without an end', async () => {
  const prefix = `limit-rush-${process.pid}`;
  const [link] = links;
  if (link === undefined) throw new Error('no link');
  const limiters = links.flatMap((each) =>
    policies.map((policy) => {
      const store = redisLimitStore({ link: each, prefix });
      return {
        policy,
        limiter: createLimiter({ policy, onStoreError: 'throw' }, { store, presence: { instances: 1 } }),
      };
    }),
  );
  for (const { limiter } of limiters) await limiter.take('ada', { cost: 1 });
  const charged = new Map<string, number[]>(policies.map(({ name }) => [name, []]));
  const ends = (await keysUnder(link, prefix)).map(({ ttlMs = 0 }) => ttlMs);
  await pause(Math.min(...ends) - 50);
  // Takes and refunds, before, while and after Redis drops the keys.
  const until = performance.now() + Math.max(...ends) - Math.min(...ends) + 150;
  const rush = limiters.map(async ({ policy, limiter }, at) => {
    for (let turn = 0; performance.now() < until; turn += 1) {
      const decision = await limiter.take('ada');
      if (decision.outcome === 'denied') continue;
      const { chargedAtUs = 0 } = decision;
      // One of the instances gives each third one back, sometimes into a key that is gone.
      if (at < policies.length && turn % 3 === 0) await limiter.refund('ada', { of: decision });
      else charged.get(policy.name)?.push(chargedAtUs);
    }
  });
  await Promise.all(rush);
  for (const key of await keysUnder(link, prefix)) expect(key.ttlMs, key.name).toBeGreaterThan(0);
  for (const policy of policies) {
    const times = (charged.get(policy.name) ?? []).sort((a, b) => a - b);
    expect(times.length).toBeGreaterThan(10);
    const { name } = policy;
    for (const [at, startUs] of times.entries()) {
      // No more than two windows meet in one length of a window; a bucket gives what it has and what it refills.
      const within = times.slice(at).filter((us) => us - startUs < 100_000).length;
      expect(within, `${name} from ${startUs}`).toBeLessThanOrEqual(20);
    }
  }
});
