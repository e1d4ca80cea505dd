import { createMixedLimiter, fixedWindow, quota, slidingLog, tokenBucket } from '@spillway/limit';
import { postgresLimitStore } from '@spillway/limit/postgres';
import { redisLimitStore } from '@spillway/limit/redis';
import { connectRedis, type RedisLink } from '@spillway/redis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { openPostgresAt } from '../support/open-postgres.ts';

let link: RedisLink;
const presence = { instances: 1 };

beforeAll(async () => {
  link = connectRedis({ url: inject('redisUrl'), deadline: '5s' });
  await link.ready({ timeout: '10s' });
});

afterAll(() => link.close());

const client = [
  tokenBucket({ name: 'client', capacity: 20, refill: { tokens: 20, every: '1h' } }),
  slidingLog({ name: 'log', limit: 20, window: '1h' }),
];
const everybody = [
  fixedWindow({ name: 'all', limit: 50, window: '1h', align: 'first-hit' }),
  quota({ name: 'month', limit: 50, per: 'month' }),
];
const subjects = { client, everybody };

describe('several subjects on a plain Redis', () => {
  test('G2: several instances never admit more than any of them allows, and a refusal costs nobody', async () => {
    const prefix = `limit-mixed-${process.pid}`;
    const limiters = [1, 2, 3].map(() =>
      createMixedLimiter({ subjects, onStoreError: 'throw' }, { store: redisLimitStore({ link, prefix }), presence }),
    );
    const names = ['ada', 'grace', 'alan', 'mary'];
    const takes = Array.from({ length: 240 }, (_, at) => {
      const name = names[at % names.length] ?? '';
      return limiters[at % 3]?.take({ client: name, everybody: 'all' }).then(({ outcome }) => ({ name, outcome }));
    });
    const admitted = (await Promise.all(takes)).filter((each) => each?.outcome === 'allowed');
    expect(admitted).toHaveLength(50);
    for (const name of names) {
      const mine = admitted.filter((each) => each?.name === name).length;
      expect(mine).toBeLessThanOrEqual(20);
      const { quotas } = (await limiters[0]?.peek({ client: name, everybody: 'all' })) ?? {};
      expect(quotas?.map(({ remaining }) => remaining)).toEqual([20 - mine, 20 - mine, 0, 0]);
    }
  });

  test('takes one round trip, whatever the number of subjects and policies', async () => {
    let calls = 0;
    const counted = {
      ...link,
      topology: link.topology,
      gather: link.gather,
      run: (...args: Parameters<typeof link.run>) => {
        calls += 1;
        return link.run(...args);
      },
    } as RedisLink;
    const store = redisLimitStore({ link: counted, prefix: `limit-mixed-trip-${process.pid}` });
    const limiter = createMixedLimiter({ subjects, onStoreError: 'throw' }, { store, presence });
    for (let take = 1; take <= 3; take += 1) {
      await limiter.take({ client: 'ada', everybody: 'all' });
      expect(calls).toBe(take);
    }
  });

  test('a store that can not is refused when the limiter is made: PostgreSQL', async () => {
    const database = await openPostgresAt(inject('postgresUrl'));
    try {
      const store = postgresLimitStore({ sql: database.sql });
      const make = () =>
        createMixedLimiter({ subjects: { a: everybody[0], b: everybody[1] } as never }, { store, presence });
      expect(make).toThrow(/store: must charge several subjects in one step/);
    } finally {
      await database.close();
    }
  });
});
