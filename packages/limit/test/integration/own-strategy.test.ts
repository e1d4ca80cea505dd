import { readFile } from 'node:fs/promises';
import { ConfigurationError } from '@spillway/kernel';
import {
  createLimiter,
  defineStrategy,
  memoryLimitStore,
  parsePolicy,
  rateLimitHeaders,
  tokenBucket,
} from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { createFakeClock, limitStoreSuite, type OwnUnderTest } from '@spillway/limit/testing';
import { connectRedis, type RedisLink } from '@spillway/redis';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { quiet } from '../support/quiet/quiet.ts';
import { quietInRedis } from '../support/quiet/quiet-in-redis.ts';
import { keysUnder } from '../support/redis-keys.ts';

let link: RedisLink;
let prefixes = 0;
const newPrefix = () => {
  prefixes += 1;
  return `limit-own-${process.pid}-${prefixes}`;
};

beforeAll(async () => {
  link = connectRedis({ url: inject('redisUrl'), deadline: '5s' });
  await link.ready({ timeout: '10s' });
});

afterAll(() => link.close());

const own: readonly OwnUnderTest[] = [
  {
    ten: quiet.policy({ name: 'ten-quiet', limit: 10, pause: '1m' }),
    random: (name, random) =>
      quiet.policy({
        name,
        limit: 1 + Math.floor(random() * 40),
        pause: (['5s', '1m', '1h', '30d'] as const)[Math.floor(random() * 4)] ?? '1m',
      }),
  },
];

limitStoreSuite({
  name: 'memory, with a strategy of one’s own',
  create: async ({ clock }) => ({ store: memoryLimitStore({ clock, strategies: [quiet] }) }),
  own,
});

limitStoreSuite({
  name: 'redis, with a strategy of one’s own',
  create: async ({ clock }) => {
    const prefix = newPrefix();
    const store = redisLimitStore({ link, prefix, clock, strategies: [quietInRedis] });
    return { store, inspect: () => keysUnder(link, prefix) };
  },
  own,
  steps: 100,
});

describe('a policy of a strategy of one’s own', () => {
  const policy = quiet.policy({ name: 'password', limit: 4, pause: '15m' });
  const bucket = tokenBucket({ name: 'bucket', capacity: 10, refill: { tokens: 1, every: '1h' } });

  test('is plain, frozen data, and refused with all that is wrong', () => {
    expect(policy).toEqual({
      strategy: 'own:quiet',
      name: 'password',
      limit: 4,
      capacity: 4,
      pause: '15m',
      pauseUs: 900e6,
    });
    expect(Object.isFrozen(policy)).toBe(true);
    expect(parsePolicy(policy)).toBe(policy);
    const wrong = { name: 'a b', limit: 0, pause: '0s', extra: 1 } as never;
    expect(() => quiet.policy(wrong)).toThrow(/limit.*pause.*extra/s);
    expect(() => createLimiter({ policy: { ...policy } })).toThrow(/take what policy\(\) of it returns/);
  });

  test.each(['', 'Quiet', 'a:b', '1st', 'x'.repeat(33)])('its strategy is not called %j', (name) => {
    const define = () =>
      defineStrategy({
        name,
        options: [],
        read: () => ({ capacity: 1 }),
        share: () => ({ capacity: 1 }),
        steps: {} as never,
      });
    expect(define).toThrow(ConfigurationError);
  });

  test('a capacity that read() did not make a number is refused', () => {
    const broken = defineStrategy({
      name: 'broken',
      options: [],
      read: () => ({ capacity: Number.NaN }),
      share: () => ({ capacity: 1 }),
      steps: {} as never,
    });
    expect(() => broken.policy({ name: 'p' } as never)).toThrow(/capacity.*integer >= 1.*got NaN/);
  });

  test('is taken from in process without more ado, beside others, all or nothing', async () => {
    const clock = createFakeClock();
    const limiter = createLimiter({ policies: [policy, bucket] }, { clock });
    for (let left = 3; left >= 0; left -= 1) {
      expect(await limiter.take('ada')).toMatchObject({ outcome: 'allowed', policy: 'password', remaining: left });
      clock.advance('1m');
    }
    const refused = await limiter.take('ada');
    expect(refused).toMatchObject({ outcome: 'denied', retryAfterMs: 14 * 60_000, violatedPolicies: ['password'] });
    expect((await limiter.peek('ada')).quotas?.[1]).toMatchObject({ remaining: 6 });
    expect(rateLimitHeaders(limiter.policies, refused)['RateLimit-Policy']).toBe(
      '"password";q=4;w=900, "bucket";q=10;w=36000',
    );
  });

  test('is the one that the guide shows', async () => {
    const read = (path: string) => readFile(new URL(path, import.meta.url), 'utf8');
    const guide = await read('../../../../docs/1.guide/own-strategy.md');
    for (const name of ['quiet.ts', 'quiet-in-redis.ts']) {
      expect(guide).toContain(`// ${name}\n${await read(`../support/quiet/${name}`)}\`\`\``);
    }
  });

  test('G3: is divided among the instances', () => {
    const limiter = createLimiter({ policy, mode: 'share' }, { presence: { instances: 2 } });
    const outcomes = ['a', 'b', 'c'].map(() => limiter.takeNow('ada').outcome);
    expect(outcomes).toEqual(['allowed', 'allowed', 'denied']);
  });

  test('is refused by a store that was not given its strategy, and takes no leases', () => {
    const presence = { instances: 1 };
    for (const store of [memoryLimitStore(), redisLimitStore({ link })]) {
      expect(() => createLimiter({ policy }, { store, presence })).toThrow(/got "own:quiet" of policy "password"/);
    }
    expect(() => createLimiter({ policy, mode: 'lease' }, { presence })).toThrow(/no leasing; use mode "exact"/);
  });

  test('two strategies of the same policy name are two policies', async () => {
    const other = defineStrategy<typeof policy, object>({
      name: 'other',
      options: ['limit', 'pause'],
      read: (fields) => ({ limit: fields.count('limit', 1, 9), capacity: 4, pause: '1s', pauseUs: 1 }),
      share: (each) => each,
      steps: {
        take: () => ({ verdict: { outcome: 'allowed', remaining: 9, refillAfterUs: 0, resetAfterUs: 0 }, state: {} }),
        peek: () => ({ outcome: 'allowed', remaining: 9, refillAfterUs: 0, resetAfterUs: 0 }),
        refund: (_, state) => state,
        expiresAtUs: () => 1,
        spanUs: () => undefined,
      },
    });
    const store = memoryLimitStore({ strategies: [quiet, other] });
    await store.take(
      'ada',
      [other.policy({ name: 'password', limit: 1, pause: '1s', capacity: 4, pauseUs: 1 } as never)],
      1,
    );
    expect((await store.take('ada', [policy], 1)).verdicts[0]).toMatchObject({ remaining: 3 });
  });
});
