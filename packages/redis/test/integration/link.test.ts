import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:net';
import { ConfigurationError, StoreUnavailableError } from '@spillway/kernel';
import { freePort, startFaultProxy, startRedis, until } from '@spillway/testkit';
import { afterEach, describe, expect, inject, test } from 'vitest';
import {
  connectRedis,
  defineScript,
  integers,
  type LinkState,
  type RedisCommandMessage,
  type RedisLink,
  type RedisOptions,
  RedisReplyError,
} from '../../src/index.ts';

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

function keep<Thing extends { close(): Promise<void> }>(thing: Thing): Thing {
  opened.push(thing);
  return thing;
}

const connect = (options: RedisOptions): RedisLink => keep(connectRedis(options));

async function connected(options: RedisOptions): Promise<RedisLink> {
  const link = connect(options);
  await link.ready({ timeout: '10s' });
  return link;
}

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => {
      throw new Error(`resolved with ${String(value)}`);
    },
    (error) => error,
  );

const key = (name: string) => `redis-link-test:${process.pid}:${name}`;

describe('a link to one Redis', () => {
  test('sends commands with text, numbers and bytes, and gives replies as text or bytes', async () => {
    const link = await connected({ url: inject('redisUrl'), deadline: '5s' });
    const bytes = Uint8Array.of(0, 255, 13, 10, 128);
    expect(await link.command('SET', [key('bytes'), bytes, 'PX', 60_000])).toBe('OK');
    expect(await link.command('GET', [key('bytes')], { binary: true })).toEqual(Buffer.from(bytes));
    expect(await link.command('SET', [key('text'), 'ü\r\n🙂', 'PX', 60_000])).toBe('OK');
    expect(await link.command('MGET', [key('text'), key('nothing')])).toEqual(['ü\r\n🙂', null]);
    expect(await link.command('HSET', [key('hash'), 'a', 1, 'b', 2.5])).toBe(2);
    expect(await link.command('hgetall', [key('hash')])).toEqual(['a', '1', 'b', '2.5']);
    await link.command('UNLINK', [key('hash')]);
  });

  test('keeps the order of commands of one turn, strings and bytes mixed, in large pieces too', async () => {
    const link = await connected({ url: inject('redisUrl'), deadline: '5s' });
    const big = 'x'.repeat(700_000);
    const values = [big, Buffer.from('1'), 'two', big, Buffer.alloc(0), big];
    await Promise.all(values.map((value) => link.command('RPUSH', [key('order'), value])));
    const list = await link.command<string[]>('LRANGE', [key('order'), 0, -1]);
    expect(list.map((value) => value.length)).toEqual([700_000, 1, 3, 700_000, 0, 700_000]);
    await link.command('UNLINK', [key('order')]);
  });

  test('runs a script by its hash, and whole, once, when the server has forgotten it', async () => {
    const redis = keep(await startRedis());
    const link = await connected({ url: redis.url, deadline: '5s' });
    const count = defineScript({
      name: 'test.count',
      source: 'return {redis.call("INCRBY", KEYS[1], ARGV[1]), 7}',
      keys: (input: { key: string; by: number }) => [input.key],
      args: ({ by }) => [by],
      reply: (raw) => integers('test.count', raw, 2),
    });
    for (let run = 1; run <= 20; run++) {
      if (run % 5 === 0) await redis.command('SCRIPT', 'FLUSH');
      expect(await link.run(count, { key: 'counted', by: 1 })).toEqual([run, 7]);
    }
    // Many at once, none of them known: each counts once.
    await redis.command('SCRIPT', 'FLUSH');
    await Promise.all(Array.from({ length: 50 }, () => link.run(count, { key: 'counted', by: 1 })));
    expect(await link.command('GET', ['counted'])).toBe('70');
  });

  test('tells a refusal of the server from a server that is away', async () => {
    const link = await connected({ url: inject('redisUrl'), deadline: '5s' });
    await link.command('SET', [key('string'), 1, 'PX', 60_000]);
    const error = await rejection(link.command('LPUSH', [key('string'), 1]));
    expect(error).toBeInstanceOf(RedisReplyError);
    expect(error).toMatchObject({ reply: 'WRONGTYPE', operation: 'LPUSH', retryable: false });
    expect(link.state).toBe('up');
  });

  test('refuses what would change or block the connection that all share, and names the other way', async () => {
    const link = await connected({ url: inject('redisUrl') });
    for (const [name, args, way] of [
      ['SELECT', [1], 'connectRedis'],
      ['multi', [], 'script'],
      ['SUBSCRIBE', ['x'], 'link.subscribe()'],
      ['BLPOP', ['x', 0], 'link.dedicated()'],
      ['XREAD', ['BLOCK', 0, 'STREAMS', 's', '$'], 'link.dedicated()'],
    ] as const) {
      const error = await rejection(link.command(name, args));
      expect(error).toBeInstanceOf(ConfigurationError);
      expect(String(error)).toContain(way);
    }
  });

  test('blocks on a dedicated connection without delaying others', async () => {
    const link = await connected({ url: inject('redisUrl'), deadline: '5s' });
    const own = link.dedicated();
    const popped = own.command('BLPOP', [key('queue'), 5]);
    await until(async () => (await link.command<string>('CLIENT', ['LIST'])).includes('cmd=blpop'));
    expect(await link.command('PING', [])).toBe('PONG');
    await link.command('RPUSH', [key('queue'), 'work']);
    expect(await popped).toEqual([key('queue'), 'work']);
    await own.close();
    expect(await rejection(own.command('PING', []))).toBeInstanceOf(StoreUnavailableError);
  });

  test('fails at once while Redis was never there, and comes up when it is', async () => {
    const port = await freePort();
    const link = connect({ url: `redis://127.0.0.1:${port}` });
    expect(link.state).toBe('down');
    expect(await rejection(link.command('GET', ['k']))).toBeInstanceOf(StoreUnavailableError);
    const late = await rejection(link.ready({ timeout: '200ms' }));
    expect(late).toBeInstanceOf(StoreUnavailableError);
    expect(String((late as Error).cause)).toContain('ECONNREFUSED');
    keep(await startRedis({ port }));
    await link.ready({ timeout: '10s' });
    await until(async () => (await link.command('PING', [])) === 'PONG');
  });

  test('says why it can not connect: a wrong password', async () => {
    const redis = keep(await startRedis({ password: 'right' }));
    const link = connect({ url: `redis://:wrong@127.0.0.1:${redis.port}` });
    await until(async () =>
      String(((await rejection(link.ready({ timeout: '100ms' }))) as Error).cause).includes('WRONGPASS'),
    );
    const none = connect({ url: `redis://127.0.0.1:${redis.port}` });
    await until(async () =>
      String(((await rejection(none.ready({ timeout: '100ms' }))) as Error).cause).includes('NOAUTH'),
    );
    const right = await connected({ url: redis.url });
    expect(right.state).toBe('up');
  });

  test('names the right that an ACL user lacks', async () => {
    const redis = keep(await startRedis());
    await redis.command('ACL', 'SETUSER', 'poor', 'on', '>secret', '~mine:*', '&mine', '+get', '+publish');
    const link = await connected({ url: `redis://poor:secret@127.0.0.1:${redis.port}`, deadline: '5s' });
    expect(String(await rejection(link.command('SET', ['mine:k', 1])))).toContain('ACL SETUSER poor +set');
    expect(String(await rejection(link.command('GET', ['other'])))).toMatch(/ACL SETUSER \S+ ~PATTERN/);
    expect(String(await rejection(link.command('PUBLISH', ['other', 'x'])))).toMatch(/ACL SETUSER \S+ &PATTERN/);
    const error = await rejection(link.inspect());
    expect(error).toBeInstanceOf(RedisReplyError);
    expect(String(error)).toContain('ACL SETUSER poor +info');
    expect(link.state).toBe('up');
  });

  test('reads what the settings put at risk', async () => {
    const safe = keep(await startRedis({ maxmemory: '100mb', config: { appendonly: 'yes' } }));
    const inspection = await (await connected({ url: safe.url })).inspect();
    expect(inspection).toMatchObject({ maxmemoryPolicy: 'noeviction', risks: [], notes: [] });
    expect(inspection.version).toMatch(/^\d+\.\d+/);
    const risky = keep(await startRedis({ maxmemory: '100mb', config: { 'maxmemory-policy': 'allkeys-lru' } }));
    const { maxmemoryPolicy, risks, notes } = await (await connected({ url: risky.url })).inspect();
    expect(maxmemoryPolicy).toBe('allkeys-lru');
    expect(risks).toEqual([expect.stringContaining('allkeys-lru evicts any key: limits start anew')]);
    // No promise but that of ids from Redis alone stands on it.
    expect(notes).toEqual([
      expect.stringMatching(
        /^appendonly is no: .*Limits start anew, and events come again.*only where ids come from Redis alone$/,
      ),
    ]);
  });

  test('waits in ready() until its signal aborts', async () => {
    const link = connect({ url: `redis://127.0.0.1:${await freePort()}` });
    const abort = new AbortController();
    const waiting = rejection(link.ready({ signal: abort.signal }));
    abort.abort(new Error('enough'));
    expect(String(await waiting)).toContain('enough');
  });
});

describe('a link whose Redis fails', () => {
  test('G4: a hung Redis is down after a few misses; then calls fail without waiting, until it runs again', async () => {
    const redis = keep(await startRedis());
    const link = await connected({ url: redis.url, deadline: '50ms' });
    const socket = await link.command<number>('CLIENT', ['ID']);
    const states: LinkState[] = [];
    link.onState((state) => states.push(state));
    const outcomes: string[] = [];
    const watch = (message: unknown) => outcomes.push((message as RedisCommandMessage).outcome);
    subscribe('spillway:redis:command', watch);
    redis.pause();
    for (let call = 0; call < 20; call++) {
      expect(await rejection(link.command('INCR', ['late']))).toBeInstanceOf(StoreUnavailableError);
    }
    unsubscribe('spillway:redis:command', watch);
    expect(link.state).toBe('down');
    const calls = outcomes.filter((outcome) => outcome !== 'lost');
    expect(calls.slice(0, 3)).toEqual(['deadline', 'deadline', 'deadline']);
    // Besides the probes, which the link sends itself, nothing waited any more.
    expect(calls.filter((outcome) => outcome === 'refused')).toHaveLength(17);
    redis.resume();
    await link.ready({ timeout: '10s' });
    expect(states).toEqual(['down', 'up']);
    // What the old socket would have answered late was not waited for.
    expect(await link.command('CLIENT', ['ID'])).toBeGreaterThan(socket);
    // The three that were sent may have run late, each at most once; the refused never.
    expect(Number(await redis.command('GET', 'late'))).toBeLessThanOrEqual(3);
  });

  test('a write past its deadline runs at most once, however long Redis stood still', async () => {
    const redis = keep(await startRedis());
    const link = await connected({ url: redis.url, deadline: '50ms' });
    redis.pause();
    const sent = Array.from({ length: 200 }, (_, id) => rejection(link.command('RPUSH', ['late', id])));
    await Promise.all(sent);
    redis.resume();
    await link.ready({ timeout: '10s' });
    await until(async () => (await link.command('RPUSH', ['late', 'last']).catch(() => 0)) !== 0);
    const list = (await redis.command('LRANGE', 'late', 0, -1)) as string[];
    expect(new Set(list).size).toBe(list.length);
  });

  test('G7: what is unanswered is bounded, and refused beyond', async () => {
    const redis = keep(await startRedis());
    const link = await connected({ url: redis.url, deadline: '5s', maxPending: 10 });
    redis.pause();
    const sent = Array.from({ length: 15 }, (_, id) => link.command('SET', [`k${id}`, id]));
    const refused = await Promise.all(sent.slice(10).map(rejection));
    for (const error of refused) {
      expect(error).toBeInstanceOf(StoreUnavailableError);
      expect(String((error as Error).cause)).toContain('is full (10)');
    }
    redis.resume();
    expect(await Promise.all(sent.slice(0, 10))).toEqual(Array(10).fill('OK'));
    expect(await link.command('PING', [])).toBe('PONG');
  });

  test('a cut connection fails what is unanswered, and heals', async () => {
    const redis = keep(await startRedis());
    const proxy = keep(await startFaultProxy({ target: redis }));
    const link = await connected({ url: proxy.url(redis.url), deadline: '5s' });
    proxy.hang();
    const waiting = rejection(link.command('GET', ['k']));
    await proxy.cut();
    expect(await waiting).toBeInstanceOf(StoreUnavailableError);
    await until(() => link.state === 'down');
    await proxy.restore();
    await link.ready({ timeout: '10s' });
    expect(await link.command('PING', [])).toBe('PONG');
  });

  test('GETs of one turn are one MGET, and fail at once while Redis is away', async () => {
    const redis = keep(await startRedis());
    const link = await connected({ url: redis.url });
    await redis.command('MSET', 'a', '1', 'ü', '2');
    await redis.command('RPUSH', 'list', 'x');
    await redis.command('CONFIG', 'RESETSTAT');
    expect(await Promise.all(['a', 'ü', 'none', 'list'].map((key) => link.get(key)))).toEqual(['1', '2', null, null]);
    expect(await link.get('a')).toBe('1');
    const stats = String(await redis.command('INFO', 'commandstats'));
    expect([/cmdstat_mget:calls=(\d+)/.exec(stats)?.[1], /cmdstat_get:calls=(\d+)/.exec(stats)?.[1]]).toEqual([
      '1',
      '1',
    ]);
    await redis.kill();
    await until(() => link.state === 'down');
    expect(await rejection(link.get('a'))).toBeInstanceOf(StoreUnavailableError);
  });

  test('goes on when somebody traces ioredis', async () => {
    const redis = keep(await startRedis());
    const traced: string[] = [];
    const subscriber = { start: (context: object) => traced.push(String((context as { command?: unknown }).command)) };
    const channels = ['ioredis:command', 'ioredis:connect'].map((name) => tracingChannel(name));
    const handlers = { ...subscriber, end: ignore, asyncStart: ignore, asyncEnd: ignore, error: ignore };
    for (const channel of channels) channel.subscribe(handlers);
    try {
      const link = await connected({ url: redis.url });
      expect(await link.command('SET', ['k', 'v'])).toBe('OK');
      expect(await Promise.all([link.get('k'), link.get('none'), link.command('GET', ['k'])])).toEqual([
        'v',
        null,
        'v',
      ]);
    } finally {
      for (const channel of channels) channel.unsubscribe(handlers);
    }
    // That the channels are still called so.
    expect(traced.length).toBeGreaterThan(0);
  });

  test('GETs go one by one for a user who may not MGET', async () => {
    const redis = keep(await startRedis());
    await redis.command('ACL', 'SETUSER', 'poor', 'on', '>pw', '~*', '+get', '+set', '+ping', '+client', '+info');
    const link = await connected({ url: redis.url, username: 'poor', password: 'pw' });
    await link.command('SET', ['k', 'v']);
    expect(await rejection(Promise.all([link.get('k'), link.get('k')]))).toBeInstanceOf(RedisReplyError);
    expect(await Promise.all([link.get('k'), link.get('none'), link.get('k')])).toEqual(['v', null, 'v']);
  });

  test('a key that is no string is refused, whoever asks beside', async () => {
    const redis = keep(await startRedis());
    const link = await connected({ url: redis.url });
    const wrong = link.get(null as unknown as string);
    expect(await rejection(wrong)).toBeInstanceOf(TypeError);
    expect(await link.get('k')).toBeNull();
  });

  test('a write whose reply was lost is not sent again', async () => {
    const redis = keep(await startRedis());
    const proxy = keep(await startFaultProxy({ target: redis }));
    const link = await connected({ url: proxy.url(redis.url), deadline: '200ms' });
    for (const afterwards of ['reset', 'silence'] as const) {
      await link.ready({ timeout: '10s' });
      proxy.dropReplies(({ request }) => request.includes('incr'), { afterwards });
      expect(await rejection(link.command('INCR', [afterwards]))).toBeInstanceOf(StoreUnavailableError);
      await until(async () => (await redis.command('GET', afterwards)) !== null);
      await proxy.restore();
      await link.ready({ timeout: '10s' });
      await until(async () => (await link.command('PING', []).catch(() => '')) === 'PONG');
      expect(await redis.command('GET', afterwards)).toBe('1');
    }
  });

  test('a Redis slower than the deadline is down, and comes up when it is fast again', async () => {
    const redis = keep(await startRedis());
    const proxy = keep(await startFaultProxy({ target: redis }));
    const link = await connected({ url: proxy.url(redis.url), deadline: '100ms' });
    proxy.delay(300);
    while (link.state === 'up') await rejection(link.command('GET', ['k']));
    await proxy.restore();
    await link.ready({ timeout: '20s' });
  });

  test('a Redis that still loads its data is not up', async () => {
    const port = await freePort();
    const loading = createServer((socket) => {
      socket.on('data', () => socket.write('-LOADING Redis is loading the dataset in memory\r\n'));
      socket.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => loading.listen(port, '127.0.0.1', resolve));
    const link = connect({ url: `redis://127.0.0.1:${port}` });
    await until(async () =>
      String(((await rejection(link.ready({ timeout: '100ms' }))) as Error).cause).includes('LOADING'),
    );
    expect(link.state).toBe('down');
    await link.close();
    await new Promise((resolve) => loading.close(resolve));
  });

  test('fails a blocking read when the link goes down, long before the read would end', async () => {
    const redis = keep(await startRedis());
    const link = await connected({ url: redis.url, deadline: '50ms' });
    const own = link.dedicated();
    await own.command('PING', []);
    const read = rejection(own.command('BLPOP', ['queue', 20]));
    redis.pause();
    while (link.state === 'up') await rejection(link.command('GET', ['k']));
    expect(await read).toBeInstanceOf(StoreUnavailableError);
    redis.resume();
    await link.ready({ timeout: '10s' });
    await until(async () => (await own.command('PING', []).catch(() => '')) === 'PONG');
  });

  test('a subscription is whole again after Redis was restarted', async () => {
    const redis = keep(await startRedis());
    const link = await connected({ url: redis.url });
    const heard: string[] = [];
    const subscription = link.subscribe('news', {
      message: (text) => heard.push(text),
      whole: () => heard.push('<whole>'),
      broken: () => heard.push('<broken>'),
    });
    await until(() => heard.length === 1);
    await redis.command('PUBLISH', 'news', 'one');
    await until(() => heard.length === 2);
    await redis.restart();
    await until(() => heard.length === 4);
    await redis.command('PUBLISH', 'news', 'two');
    await until(() => heard.length === 5);
    subscription.reconnect();
    await until(() => heard.length === 7);
    expect(heard).toEqual(['<whole>', 'one', '<broken>', '<whole>', 'two', '<broken>', '<whole>']);
    await subscription.close();
  });

  test('closing fails what is unanswered and leaves no connection', async () => {
    const redis = keep(await startRedis());
    const link = await connected({ url: redis.url, deadline: '5s' });
    link.dedicated();
    link.subscribe('news', { message: () => undefined });
    redis.pause();
    const waiting = rejection(link.command('GET', ['k']));
    await link.close();
    expect(await waiting).toBeInstanceOf(StoreUnavailableError);
    expect(link.state).toBe('down');
    redis.resume();
    await until(async () => !String(await redis.command('CLIENT', 'LIST')).includes('name=spillway:'));
  });
});

describe('options', () => {
  test('all mistakes are named at once', () => {
    const wrong = { url: 'http://localhost', deadline: '5 s', maxPending: 0, db: -1 } as unknown as RedisOptions;
    expect(() => connectRedis(wrong)).toThrow(
      /url: must start with redis:\/\/ or rediss:\/\/, got "http:\/\/"[\s\S]*deadline:[\s\S]*maxPending:[\s\S]*db:/,
    );
    expect(() => connectRedis({ url: 'redis://localhost/?enableOfflineQueue=true' })).toThrow('takes no "?"');
    expect(() => connectRedis({} as RedisOptions)).toThrow('exactly one of url, sentinels, cluster and client');
    expect(() => connectRedis({ cluster: [] })).toThrow('at least one { host, port }');
    expect(() => connectRedis({ client: {} })).toThrow('createClient() of node-redis');
  });
});

const ignore = () => undefined;
