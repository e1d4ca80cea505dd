import { ConfigurationError, StoreUnavailableError } from '@spillway/kernel';
import { startRedis, startRedisCluster, until } from '@spillway/testkit';
import { Cluster, Redis } from 'ioredis';
import { createClient, createCluster } from 'redis';
import { describe, expect, test } from 'vitest';
import { connectRedis, defineScript, integers, RedisReplyError } from '../../src/index.ts';

const SAFE = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
} as const;

const lenders = [
  {
    name: 'ioredis',
    lend: async (url: string) => {
      const client = new Redis(url, { ...SAFE, enableAutoPipelining: true });
      client.on('error', () => undefined);
      return { client, works: () => client.ping(), close: () => client.disconnect() };
    },
  },
  {
    name: 'node-redis',
    lend: async (url: string) => {
      const client = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: 50 } });
      client.on('error', () => undefined);
      await client.connect();
      return { client, works: () => client.ping(), close: () => client.destroy() };
    },
  },
] as const;

const count = defineScript({
  name: 'test.count',
  source: 'return {redis.call("INCR", KEYS[1]), #ARGV[1]}',
  keys: (key: string) => [key],
  args: () => [Uint8Array.of(255, 0, 13)],
  reply: (raw) => integers('test.count', raw, 2),
});

describe.each(lenders)('a lent client of $name', ({ lend }) => {
  test('does all that a link does, and stays open when the link is closed', async () => {
    await using redis = await startRedis();
    const lent = await lend(redis.url);
    const link = connectRedis({ client: lent.client, deadline: '5s' });
    await link.ready({ timeout: '10s' });
    expect(link.topology).toBe('plain');
    expect(await link.command('SET', ['k', Uint8Array.of(1, 200)])).toBe('OK');
    expect(await link.command('GET', ['k'], { binary: true })).toEqual(Buffer.of(1, 200));
    await link.command('HSET', ['h', 'a', 1, 'b', 2]);
    expect(await link.command('HGETALL', ['h'])).toEqual(['a', '1', 'b', '2']);
    expect(await link.command('hgetall', ['h'])).toEqual(['a', '1', 'b', '2']);
    expect(await link.command('ZADD', ['z', 1.5, 'a'])).toBe(1);
    expect(await link.command('ZRANGE', ['z', 0, -1, 'WITHSCORES'])).toEqual(['a', '1.5']);
    await link.command('XADD', ['s', '1-1', 'field', 'value']);
    const entries = [['s', [['1-1', ['field', 'value']]]]];
    expect(await link.command('XREAD', ['STREAMS', 's', 0])).toEqual(entries);
    expect(await link.dedicated().command('XREAD', ['BLOCK', 10, 'STREAMS', 's', 0])).toEqual(entries);
    expect(await link.command('ZSCORE', ['z', 'a'])).toBe('1.5');
    expect(await link.run(count, 'n')).toEqual([1, 3]);
    await redis.command('SCRIPT', 'FLUSH');
    expect(await link.run(count, 'n')).toEqual([2, 3]);
    await expect(link.command('LPUSH', ['k', 1])).rejects.toBeInstanceOf(RedisReplyError);

    const own = link.dedicated();
    const popped = own.command('BLPOP', ['queue', 5]);
    await until(async () => String(await redis.command('CLIENT', 'LIST')).includes('cmd=blpop'));
    await link.command('RPUSH', ['queue', 'work']);
    expect(await popped).toEqual(['queue', 'work']);

    const heard: string[] = [];
    link.subscribe('news', {
      message: (text) => heard.push(text),
      whole: () => heard.push('<whole>'),
      broken: () => heard.push('<broken>'),
    });
    await until(() => heard.length === 1);
    await link.command('PUBLISH', ['news', 'one']);
    await until(() => heard.length === 2);
    await redis.restart();
    await link.ready({ timeout: '10s' });
    await until(() => heard.length === 4);
    await until(() => own.command('PING', []).catch(() => ''));
    await redis.command('PUBLISH', 'news', 'two');
    await until(() => heard.length === 5);
    expect(heard).toEqual(['<whole>', 'one', '<broken>', '<whole>', 'two']);

    await link.close();
    expect(await lent.works()).toBe('PONG');
    await until(async () => String(await redis.command('CLIENT', 'LIST', 'TYPE', 'pubsub')).trim() === '');
    lent.close();
  });

  test('G4: hangs no caller when Redis hangs, sends nothing twice, and comes back with it', async () => {
    await using redis = await startRedis();
    const lent = await lend(redis.url);
    const link = connectRedis({ client: lent.client, deadline: '50ms' });
    await link.ready({ timeout: '10s' });
    const own = link.dedicated();
    await own.command('PING', []);
    redis.pause();
    const sent: Promise<unknown>[] = [];
    while (link.state === 'up') {
      const call = link.command('RPUSH', ['late', sent.length]).catch((error) => error);
      sent.push(call);
      expect(await call).toBeInstanceOf(StoreUnavailableError);
    }
    expect(link.state).toBe('down');
    redis.resume();
    await link.ready({ timeout: '20s' });
    await until(() => link.command('RPUSH', ['late', 'last']).catch(() => ''));
    const list = (await redis.command('LRANGE', 'late', 0, -1)) as string[];
    expect(new Set(list).size).toBe(list.length);
    await until(() => own.command('PING', []).catch(() => ''));

    await redis.restart();
    await until(() => link.command('PING', []).catch(() => ''), { timeoutMs: 20_000 });
    await link.close();
    lent.close();
  });
});

test('a lent Cluster client of ioredis works like our own', async () => {
  await using cluster = await startRedisCluster({ masters: 3 });
  const client = new Cluster([...cluster.masters.map(({ host, port }) => ({ host, port }))], {
    enableOfflineQueue: false,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    redisOptions: { autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0 },
  });
  client.on('error', () => undefined);
  const link = connectRedis({ client, deadline: '5s' });
  await link.ready({ timeout: '20s' });
  expect(link.topology).toBe('cluster');
  const numbers = Array.from({ length: 30 }, (_, i) => String(i));
  await Promise.all(numbers.map((i) => link.command('SET', [`k${i}`, i])));
  expect(await Promise.all(numbers.map((i) => link.command('GET', [`k${i}`])))).toEqual(numbers);
  expect(await Promise.all(numbers.map((i) => link.run(count, `n${i}`)))).toEqual(numbers.map(() => [1, 3]));
  await link.close();
  expect(await client.get('k1')).toBe('1');
  client.disconnect();
});

describe('a client that would send again is refused, with the name of the option', () => {
  const refusal = (client: object): string => {
    try {
      connectRedis({ client });
    } catch (error) {
      if (error instanceof ConfigurationError) return error.message;
      throw error;
    }
    throw new Error('was not refused');
  };

  test.each(Object.keys(SAFE))('ioredis without %s', (option) => {
    const { [option as keyof typeof SAFE]: _, ...rest } = SAFE;
    const client = new Redis({ ...rest, lazyConnect: true });
    const message = refusal(client);
    for (const name of Object.keys(SAFE)) expect(message.includes(name)).toBe(name === option);
    client.disconnect();
  });

  test('ioredis with its defaults, and with a key prefix: all at once', () => {
    const message = refusal(new Redis({ lazyConnect: true, keyPrefix: 'mine:' }));
    for (const name of [...Object.keys(SAFE), 'keyPrefix']) expect(message).toContain(name);
  });

  test('a Cluster of ioredis with its defaults', () => {
    const message = refusal(new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true }));
    for (const name of [
      'enableOfflineQueue',
      'retryDelayOnFailover',
      'retryDelayOnClusterDown',
      'redisOptions.autoResendUnfulfilledCommands',
      'redisOptions.maxRetriesPerRequest',
    ]) {
      expect(message).toContain(name);
    }
  });

  test('node-redis with its defaults, and its Cluster', () => {
    expect(refusal(createClient())).toContain('disableOfflineQueue');
    expect(refusal(createCluster({ rootNodes: [{ url: 'redis://localhost' }] }))).toContain('createClient()');
  });
});
