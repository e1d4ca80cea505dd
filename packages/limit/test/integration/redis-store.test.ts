import {
  concurrency,
  fixedWindow,
  gcra,
  type Policy,
  quota,
  slidingLog,
  slidingWindow,
  tokenBucket,
} from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { createFakeClock, limitStoreSuite, type StoredKey } from '@spillway/limit/testing';
import { connectRedis, type RedisLink, type RedisScript } from '@spillway/redis';
import { startFaultProxy, startRedis } from '@spillway/testkit';
import { createClient } from 'redis';
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

  test('buckets and windows are one integer each, which Redis keeps without a string', async () => {
    const prefix = newPrefix();
    const store = redisLimitStore({ link, prefix, clock: createFakeClock() });
    const policies: readonly Policy[] = [
      tokenBucket({ name: 'a', capacity: 50, refill: { tokens: 7, every: '10s' } }),
      gcra({ name: 'b', limit: 997, every: '1m' }),
      fixedWindow({ name: 'c', limit: 1_000_000, window: '1h' }),
      fixedWindow({ name: 'd', limit: 900, window: '1m', align: 'first-hit' }),
      quota({ name: 'e', limit: 1_000_000, per: 'month', timeZone: 'Europe/Berlin' }),
    ];
    await store.take('ada', policies, 5);
    await store.take('ada', policies.slice(2, 3), 999_000);
    const keys = await keysUnder(link, prefix);
    // Golden: states of this format are in use. Another format is another version in the keys.
    expect(keys.map(({ name, value }) => [name.split('}:')[1], value])).toEqual([
      ['b:a', '1763000007142857001'],
      ['g:b', '1763000000300902706'],
      ['q:e', '1761951600000000005'],
      ['w:c', '-1762999200000999005'],
      ['w:d', '1763000000000000005'],
    ]);
    for (const { name } of keys) expect(await link.command('OBJECT', ['ENCODING', name])).toBe('int');
  });

  test('a policy that changes its strategy starts anew', async () => {
    const store = redisLimitStore({ link, prefix: newPrefix() });
    for (const policy of everyStrategy('p')) {
      const { verdicts } = await store.take('ada', [policy], 5, policy.strategy);
      expect(verdicts).toMatchObject([{ outcome: 'allowed', remaining: 0 }]);
    }
  });

  test.each(everyStrategy('p'))(
    'a key that holds nonsense fails its own caller, by name: $strategy',
    async (policy) => {
      const prefix = newPrefix();
      const store = redisLimitStore({ link, prefix });
      await store.take('broken', [policy], 1, 'id');
      const [name = ''] = (await keysUnder(link, prefix)).map((key) => key.name).filter((key) => !key.includes(':i:'));
      for (const nonsense of [
        ['SET', [name, 'nonsense', 'PX', 10_000]],
        ['SET', [name, '', 'PX', 10_000]],
        ['SET', [name, '1:2:3:', 'PX', 10_000]],
        ['HSET', [name, 'a', 'b']],
        ['RPUSH', [name, 'a', 'b', 'c']],
      ] as const) {
        await link.command('DEL', [name]);
        await link.command(nonsense[0], [...nonsense[1]]);
        const results = await Promise.allSettled(
          ['ada', 'broken', 'ada', 'broken', 'grace'].map((key, at) =>
            store.take(key, [policy], 1, `${nonsense}-${at}`),
          ),
        );
        expect(results.map(({ status }) => status)).toEqual([
          'fulfilled',
          'rejected',
          'fulfilled',
          'rejected',
          'fulfilled',
        ]);
        for (const result of results) {
          if (result.status === 'rejected') expect(String(result.reason)).toContain(`{broken}:`);
        }
        await store.reset('ada', [policy]);
        await store.reset('grace', [policy]);
      }
      await store.reset('broken', [policy]);
      expect((await store.take('broken', [policy], 5, 'new')).verdicts).toMatchObject([{ outcome: 'allowed' }]);
    },
  );

  test('what is called in one turn of the event loop travels in one round trip, 256 at most, in its order', async () => {
    const spied = spy(link);
    const store = redisLimitStore({ link: spied, prefix: newPrefix() });
    const policies = [tokenBucket({ name: 'p', capacity: 300, refill: { tokens: 1, every: '1h' } })];
    const takes = await Promise.all(Array.from({ length: 400 }, () => store.take('ada', policies, 1)));
    expect(spied.runs).toEqual([256, 144]);
    const left = takes.map(({ verdicts }) => verdicts[0]?.remaining);
    expect(left).toEqual(Array.from({ length: 400 }, (_, at) => Math.max(0, 299 - at)));
    const [before, , after] = await Promise.all([
      store.peek('ada', policies, 1),
      store.reset('ada', policies),
      store.peek('ada', policies, 1),
    ]);
    expect([before[0]?.remaining, after[0]?.remaining]).toEqual([0, 300]);
    expect(spied.runs).toEqual([256, 144, 3]);
  });

  test('the first take with an id learns the store’s time, and no later one has to', async () => {
    const spied = spy(link);
    const store = redisLimitStore({ link: spied, prefix: newPrefix() });
    const policies = [tokenBucket({ name: 'p', capacity: 3, refill: { tokens: 1, every: '1h' } })];
    expect((await store.take('ada', policies, 1, 'a')).verdicts).toMatchObject([{ outcome: 'allowed', remaining: 2 }]);
    expect(spied.runs).toEqual([1, 1]);
    expect((await store.take('ada', policies, 1, 'a')).verdicts).toMatchObject([{ outcome: 'allowed', remaining: 2 }]);
    expect((await store.take('ada', policies, 1, 'b')).verdicts).toMatchObject([{ outcome: 'allowed', remaining: 1 }]);
    expect(spied.runs).toEqual([1, 1, 1, 1]);
  });

  test('a command that comes later than it may charges nothing: it is sent anew, once, while somebody waits', async () => {
    let late = true;
    const runs: number[] = [];
    const run = <Input, Reply>(script: RedisScript<Input, Reply>, input: Input): Promise<Reply> => {
      runs.push(1);
      if (!late || runs.length !== 2) return link.run(script, input);
      late = false;
      const stale = (args: readonly unknown[]) =>
        args.map((arg) => (String(arg).startsWith('o') ? String(arg).replace(/ \d{16} /, ' 1000000000000000 ') : arg));
      return link.run({ ...script, args: (given) => stale(script.args(given)) as never }, input);
    };
    const store = redisLimitStore({
      link: { run, topology: 'plain', gather: (key, send) => link.gather(key, send) },
      prefix: newPrefix(),
    });
    const policies = [tokenBucket({ name: 'p', capacity: 3, refill: { tokens: 1, every: '1h' } })];
    await store.peek('ada', policies, 1);
    expect((await store.take('ada', policies, 1, 'a')).verdicts).toMatchObject([{ outcome: 'allowed', remaining: 2 }]);
    expect(runs).toHaveLength(3);
    expect(await store.peek('ada', policies, 1)).toMatchObject([{ remaining: 2 }]);
  });

  test('a quota counts by the store’s calendar, however wrong the instance’s clock is', async () => {
    const prefix = newPrefix();
    const policies = [quota({ name: 'p', limit: 5, per: 'day' }), quota({ name: 'q', limit: 5, per: 'month' })];
    await redisLimitStore({ link, prefix }).take('ada', policies, 2);
    const now = Date.now;
    Date.now = () => now() + 400 * 86_400_000;
    try {
      const spied = spy(link);
      const store = redisLimitStore({ link: spied, prefix });
      const { verdicts } = await store.take('ada', policies, 1);
      expect(verdicts).toMatchObject([{ remaining: 2 }, { remaining: 2 }]);
      expect(verdicts[0]?.resetAfterUs).toBeLessThanOrEqual(86_400e6);
      await store.take('ada', policies, 1);
      // It has heard the store's time by then.
      expect(spied.runs).toEqual([1, 1, 1]);
    } finally {
      Date.now = now;
    }
  });

  test('a script that Redis forgets under way is sent again, and nobody is charged twice', async () => {
    await using redis = await startRedis();
    const own = connectRedis({ url: redis.url, deadline: '5s' });
    await own.ready({ timeout: '10s' });
    const store = redisLimitStore({ link: own });
    const policies = everyStrategy('p').map((policy, at) => ({
      ...policy,
      name: `p${at}`,
      limit: 1000,
      capacity: 1000,
    }));
    const windows = policies.filter(({ strategy }) => strategy === 'fixed-window' || strategy === 'sliding-log');
    for (let round = 0; round < 10; round += 1) {
      const takes = Array.from({ length: 10 }, () => store.take('ada', windows, 1));
      await redis.command('SCRIPT', 'FLUSH');
      const late = Array.from({ length: 10 }, () => store.take('ada', windows, 1));
      await Promise.all([...takes, ...late]);
    }
    expect(await store.peek('ada', windows, 1)).toMatchObject([{ remaining: 800 }, { remaining: 800 }]);
    await own.close();
  });

  test('replies lost after the commit: a batch is charged once, and so is an id that is repeated', async () => {
    await using redis = await startRedis();
    const proxy = await startFaultProxy({ target: redis });
    const own = connectRedis({ url: proxy.url(redis.url) });
    await own.ready({ timeout: '10s' });
    const store = redisLimitStore({ link: own, clock: createFakeClock() });
    const policies = [tokenBucket({ name: 'p', capacity: 100, refill: { tokens: 1, every: '1h' } })];
    const takes = () =>
      Array.from({ length: 20 }, (_, at) => store.take('ada', policies, 1, at < 10 ? `${at}` : undefined));
    await store.take('ada', policies, 1);
    proxy.dropReplies(true);
    const lost = await Promise.allSettled(takes());
    expect(lost.every(({ status }) => status === 'rejected')).toBe(true);
    await proxy.restore();
    const answers = () =>
      store.peek('ada', policies, 1).then(
        () => true,
        () => false,
      );
    await expect.poll(answers).toBe(true);
    // Ten of them are known, ten are new.
    await Promise.all(takes());
    expect(await store.peek('ada', policies, 1)).toMatchObject([{ remaining: 100 - 1 - 20 - 10 }]);
    await own.close();
    await proxy.close();
  });
});

describe('over a lent node-redis client', () => {
  let client: ReturnType<typeof createClient>;
  let lent: RedisLink;

  beforeAll(async () => {
    client = createClient({ url: inject('redisUrl'), disableOfflineQueue: true });
    client.on('error', () => undefined);
    await client.connect();
    lent = connectRedis({ client, deadline: '5s' });
    await lent.ready({ timeout: '10s' });
  });

  afterAll(async () => {
    await lent.close();
    client.destroy();
  });

  limitStoreSuite({
    name: 'redis, node-redis',
    create: async ({ clock }) => {
      const prefix = newPrefix();
      return { store: redisLimitStore({ link: lent, prefix, clock }), inspect: () => keysUnder(link, prefix) };
    },
    steps: 60,
  });
});

function everyStrategy(name: string): readonly Policy[] {
  return [
    tokenBucket({ name, capacity: 5, refill: { tokens: 5, every: '1h' } }),
    gcra({ name, limit: 5, every: '1h' }),
    fixedWindow({ name, limit: 5, window: '1h', align: 'first-hit' }),
    slidingWindow({ name, limit: 5, window: '1h' }),
    slidingLog({ name, limit: 5, window: '1h' }),
    quota({ name, limit: 5, per: 'month' }),
    concurrency({ name, limit: 5, lease: '1h' }),
  ];
}

/** The link, and how many calls each of the scripts carried that it ran. */
function spy(of: RedisLink): Pick<RedisLink, 'gather' | 'run' | 'topology'> & { readonly runs: number[] } {
  const runs: number[] = [];
  return {
    runs,
    topology: of.topology,
    gather: (key, send) => of.gather(key, send),
    run: (script, input, options) => {
      runs.push((input as { readonly members: readonly unknown[] }).members.length);
      return of.run(script, input, options);
    },
  };
}
