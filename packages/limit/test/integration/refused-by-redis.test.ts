import { createLimiter, type Policy, slidingLog, tokenBucket } from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { connectRedis, type RedisLink } from '@spillway/redis';
import { type RedisServer, startRedis } from '@spillway/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

const bucket = tokenBucket({ name: 'bucket', capacity: 100, refill: { tokens: 1, every: '1h' } });
const log = slidingLog({ name: 'log', limit: 100, window: '1h' });
let redis: RedisServer;
let link: RedisLink;

beforeAll(async () => {
  redis = await startRedis({ config: { 'maxmemory-policy': 'noeviction' } });
  link = connectRedis({ url: redis.url, deadline: '5s' });
  await link.ready({ timeout: '10s' });
});

afterAll(async () => {
  await link.close();
  await redis.close();
});

let prefixes = 0;

/** Ten takes by the share while Redis refuses, and what one take by the store leaves of the bucket afterwards. */
async function leftAfter(refusal: readonly string[], mended: readonly string[], policies: readonly Policy[]) {
  prefixes += 1;
  const store = redisLimitStore({ link, prefix: `refused-${prefixes}` });
  const limiter = createLimiter({ policies }, { store, presence: { instances: 1 } });
  await redis.command(...(refusal as [string, ...string[]]));
  for (let take = 0; take < 10; take += 1) {
    expect(await limiter.take('ada')).toMatchObject({ outcome: 'allowed', decidedBy: 'share', degraded: true });
  }
  await redis.command(...(mended as [string, ...string[]]));
  expect(await limiter.take('ada')).toMatchObject({ outcome: 'allowed', decidedBy: 'store' });
  const [verdict] = await store.peek('ada', [bucket], 1);
  return verdict?.remaining;
}

const memory = (bytes: string) => ['CONFIG', 'SET', 'maxmemory', bytes];
const rights = (rule: string) => ['ACL', 'SETUSER', 'default', rule];

test('G3: what the share gave while Redis was full is charged with the next take', async () => {
  expect(await leftAfter(memory('1'), memory('0'), [bucket])).toBe(89);
  expect(await leftAfter(memory('1'), memory('0'), [bucket, log])).toBe(89);
});

test('G3: and what it gave while the right to write was missing', async () => {
  expect(await leftAfter(rights('-set'), rights('+set'), [bucket])).toBe(89);
  expect(await leftAfter(rights('-evalsha'), rights('+evalsha'), [bucket])).toBe(89);
});

test('G2: a take of which Redis had charged a part is not charged again', async () => {
  // The bucket is written before the log may not be: ten units are gone already.
  expect(await leftAfter(rights('-rpush'), rights('+rpush'), [bucket, log])).toBe(89);
});
