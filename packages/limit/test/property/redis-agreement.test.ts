import { type TokenBucketState, takeTokens } from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { createFakeClock } from '@spillway/limit/testing';
import { connectRedis, type RedisLink } from '@spillway/redis';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { policies, runs, takes } from './arbitraries.ts';

let link: RedisLink;

beforeAll(async () => {
  link = connectRedis({ url: inject('redisUrl'), deadline: '10s' });
  await link.ready({ timeout: '10s' });
});

afterAll(() => link.close());

test('G2: Redis decides and counts like the pure step, take by take, for any policy', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      policies.chain((policy) => fc.tuple(fc.constant(policy), takes(policy))),
      async ([policy, sequence]) => {
        run += 1;
        const clock = createFakeClock();
        const store = redisLimitStore({ link, prefix: `limit-agree-${process.pid}-${run}`, clock });
        let state: TokenBucketState | undefined;
        for (const { afterUs, cost } of sequence) {
          clock.advanceUs(afterUs);
          const expected = takeTokens(policy, state, clock.nowUs(), cost);
          expect(await store.take('key', [policy], cost)).toEqual([expected.verdict]);
          state = expected.state;
        }
      },
    ),
    runs(150),
  );
});
