import { setTimeout as pause } from 'node:timers/promises';
import { createCache } from '@spillway/cache';
import { redisCacheStore } from '@spillway/cache/redis';
import { cacheStoreSuite } from '@spillway/cache/testing';
import { startRedis, startRedisCluster, until } from '@spillway/testkit';
import { createClient } from 'redis';
import { afterAll, afterEach, describe, expect, inject, test } from 'vitest';
import { connect, createBin, freshName, stringCache } from '../support/redis-fixture.ts';

const whole = createBin();
afterAll(() => whole.empty());
const bin = createBin();
afterEach(() => bin.empty());

const pass = async (ms: number): Promise<void> => {
  await pause(ms);
};

const shared = connect(whole, { url: inject('redisUrl') });
cacheStoreSuite({
  name: 'Redis',
  create: async () => ({ store: redisCacheStore({ link: await shared }), name: freshName() }),
  pass,
});

const cluster = startRedisCluster({ masters: 3 }).then(whole.keep);
const clustered = cluster.then(({ nodes }) => connect(whole, { cluster: nodes }));
cacheStoreSuite({
  name: 'Redis Cluster',
  create: async () => ({ store: redisCacheStore({ link: await clustered }), name: freshName() }),
  pass,
});

const lent = (async () => {
  const client = createClient({ url: inject('redisUrl'), disableOfflineQueue: true });
  client.on('error', () => undefined);
  await client.connect();
  whole.keep({ close: async () => client.destroy() });
  return connect(whole, { client });
})();
cacheStoreSuite({
  name: 'Redis, a lent node-redis client',
  create: async () => ({ store: redisCacheStore({ link: await lent }), name: freshName() }),
  pass,
});

describe('L2 in Redis', () => {
  test('after every operation every key has a time to live', async () => {
    const server = bin.keep(await startRedis());
    const link = await connect(bin, { url: server.url });
    const cache = stringCache(redisCacheStore({ link }), 'c');
    const check = async (after: string) => {
      const keys = (await server.command('KEYS', '*')) as string[];
      for (const key of keys)
        expect([after, key, Number(await server.command('PTTL', key)) > 0]).toEqual([after, key, true]);
      return keys.length;
    };
    await cache.get('k', async () => {
      expect(await check('claim')).toBe(1);
      return 'v';
    });
    await until(() => cache.stats().l2.filled === 1);
    await check('fill');
    await cache.get('none', async () => undefined, { negativeTtl: '10s' });
    await until(() => cache.stats().l2.filled === 2);
    expect(await check('negative fill')).toBe(2);
    await cache.invalidate({ keys: ['k', 'none', 'other'] });
    expect(await check('invalidate')).toBe(2);
    await cache.set('k', 'w');
    await cache.set('long', 'w', { ttl: '100000d' });
    expect(await check('set')).toBe(3);
  });

  test('a hit is one GET and nothing else; a miss is a GET and two scripts', async () => {
    const server = bin.keep(await startRedis());
    const link = await connect(bin, { url: server.url });
    const cache = stringCache(redisCacheStore({ link }), 'c', { l1: 'off' });
    const calls = async (): Promise<Record<string, number>> => {
      const info = String(await server.command('INFO', 'commandstats'));
      const lines = [...info.matchAll(/cmdstat_(\w+):calls=(\d+)/g)];
      return Object.fromEntries(lines.map(([, name, count]) => [name, Number(count)]));
    };
    // Scripts loaded, clock read.
    await cache.get('warm', async () => 'v');
    await until(() => cache.stats().l2.filled === 1);
    await server.command('CONFIG', 'RESETSTAT');
    for (let i = 0; i < 100; i += 1) expect(await cache.get('warm', async () => 'other')).toBe('v');
    const hits = await calls();
    expect(hits.get).toBe(100);
    for (const name of ['evalsha', 'set', 'time', 'getrange', 'pttl'])
      expect([name, hits[name]]).toEqual([name, undefined]);
    await server.command('CONFIG', 'RESETSTAT');
    await cache.get('cold', async () => 'v');
    await until(() => cache.stats().l2.filled === 2);
    expect((await calls()).evalsha).toBe(2);
  });

  test('with leases a miss has no round trip more before its load, every key a time to live, and a hit costs the same', async () => {
    const server = bin.keep(await startRedis());
    const link = await connect(bin, { url: server.url });
    const loads = { concurrent: 64, queued: 1_024, across: 'processes' };
    const cache = stringCache(redisCacheStore({ link }), 'c', { l1: 'off', loads });
    const calls = async (): Promise<Record<string, string>> => {
      const info = String(await server.command('INFO', 'commandstats'));
      return Object.fromEntries(
        [...info.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name = '', n = '']) => [name, n]),
      );
    };
    const filled = (count: number) => until(() => cache.stats().l2.filled === count);
    // Scripts loaded, clock read.
    await cache.get('warm', async () => 'v');
    await filled(1);
    await server.command('CONFIG', 'RESETSTAT');
    await cache.get('cold', async () => {
      expect(await calls()).toMatchObject({ evalsha: '1' });
      const keys = (await server.command('KEYS', '*')) as string[];
      expect(keys.filter((key) => key.includes('cold')).length).toBe(2);
      for (const key of keys) expect([key, Number(await server.command('PTTL', key)) > 0]).toEqual([key, true]);
      return 'v';
    });
    await filled(2);
    // A take and a fill.
    expect(await calls()).toMatchObject({ evalsha: '2' });
    await server.command('CONFIG', 'RESETSTAT');
    for (let i = 0; i < 10; i += 1) expect(await cache.get('warm', async () => 'other')).toBe('v');
    const { get, ...others } = await calls();
    expect(Number(get)).toBeGreaterThanOrEqual(10);
    for (const name of ['evalsha', 'set', 'time', 'getrange']) expect([name, others[name]]).toEqual([name, undefined]);
    await cache.close();
  });

  test('where misses are usual one is a SET and a script, and a hit still writes nothing', async () => {
    const server = bin.keep(await startRedis());
    const link = await connect(bin, { url: server.url });
    const cache = stringCache(redisCacheStore({ link }), 'c', { l1: 'off' });
    for (let i = 0; i < 20; i += 1) await cache.get(`cold ${i}`, async () => 'v');
    await until(() => cache.stats().l2.filled === 20);
    await server.command('CONFIG', 'RESETSTAT');
    await cache.get('cold', async () => 'v');
    await until(() => cache.stats().l2.filled === 21);
    const info = String(await server.command('INFO', 'commandstats'));
    const calls = Object.fromEntries([...info.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name, n]) => [name, n]));
    // One SET is the read that claims, the other that of the script that fills.
    expect([calls.get, calls.set, calls.evalsha]).toEqual([undefined, '2', '1']);
    const dirty = async () => /rdb_changes_since_last_save:(\d+)/.exec(String(await server.command('INFO')))?.[1];
    const before = await dirty();
    expect((await cache.look('cold', async () => 'w')).from).toBe('l2');
    expect(await dirty()).toBe(before);
    expect(
      Number(await server.command('PTTL', String(((await server.command('KEYS', '*cold*')) as string[])[0]))),
    ).toBeGreaterThan(0);

    // A server that is full takes no claims; what it has it still gives.
    for (let i = 20; i < 40; i += 1) await cache.get(`cold ${i}`, async () => 'v');
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    expect(await cache.look('cold', async () => 'w')).toMatchObject({ value: 'v', from: 'l2' });
    for (let i = 0; i < 40; i += 1) {
      expect(await cache.look(`full ${i}`, async () => 'v')).toMatchObject({ value: 'v', from: 'loader' });
    }
    expect(await cache.look('cold', async () => 'w')).toMatchObject({ value: 'v', from: 'l2' });
  });

  test('where misses are usual a replica that takes no writes still gives what it has', async () => {
    const main = bin.keep(await startRedis());
    const replica = bin.keep(await startRedis());
    await replica.command('REPLICAOF', '127.0.0.1', String(main.port));
    // Before the first write: what a server has loaded from a snapshot is not believed to be fresh.
    await until(async () => String(await replica.command('INFO', 'replication')).includes('master_link_status:up'));
    const writer = stringCache(redisCacheStore({ link: await connect(bin, { url: main.url }) }), 'c', { l1: 'off' });
    await writer.get('k', async () => 'v');
    await until(() => writer.stats().l2.filled === 1);
    await until(async () => Number(await replica.command('DBSIZE')) === 1);
    const link = await connect(bin, { url: replica.url });
    const reader = stringCache(redisCacheStore({ link }), 'c', { l1: 'off' });
    await Promise.all(Array.from({ length: 40 }, (_, i) => reader.get(`cold ${i}`, async () => 'w')));
    // The first refusals cut the connection, in case another server is the master by now.
    await until(
      async () => {
        for (let i = 0; i < 20; i += 1) if ((await reader.look('k', async () => 'w')).from !== 'l2') return false;
        return true;
      },
      { timeoutMs: 20_000, what: 'hits from a replica' },
    );
  });

  test('values come back with the types they had', async () => {
    type Rich = { at: Date; tags: Set<string>; by: Map<number, bigint>; gone: undefined; no: null; nan: number };
    const rich = (): Rich => ({
      at: new Date(0),
      tags: new Set(['ü']),
      by: new Map([[1, 2n]]),
      gone: undefined,
      no: null,
      nan: Number.NaN,
    });
    const store = redisCacheStore({ link: await shared });
    const name = freshName();
    const [a, b] = [
      createCache<Rich>({ name, ttl: '1m', l2: store }),
      createCache<Rich>({ name, ttl: '1m', l2: store }),
    ];
    const loaded = await a.get('k', async () => rich());
    await until(() => a.stats().l2.filled === 1);
    const fromL2 = await b.look('k', async () => undefined);
    expect(fromL2.from).toBe('l2');
    for (const value of [loaded, fromL2.value, (await b.look('k', async () => undefined)).value]) {
      expect(value).toEqual(rich());
      expect(value && 'gone' in value).toBe(true);
      expect(value?.at).toBeInstanceOf(Date);
    }
  });

  test('goes on after SCRIPT FLUSH, and after keys of a foreign type or format', async () => {
    const server = bin.keep(await startRedis());
    const link = await connect(bin, { url: server.url });
    const cache = stringCache(redisCacheStore({ link }), 'c', { l1: 'off' });
    await cache.get('k', async () => 'v');
    await until(() => cache.stats().l2.filled === 1);
    await server.command('SCRIPT', 'FLUSH');
    await cache.invalidate({ key: 'k' });
    await server.command('SCRIPT', 'FLUSH');
    expect(await cache.get('k', async () => 'w')).toBe('w');
    await until(() => cache.stats().l2.filled === 2);
    const redisKey = String(((await server.command('KEYS', '*')) as string[])[0]);
    await server.command('SET', redisKey, 'something else', 'PX', 60_000);
    expect(await cache.get('k', async () => 'x')).toBe('x');
    await until(() => cache.stats().l2.filled === 3);
    expect((await cache.look('k', async () => 'y')).from).toBe('l2');
    await server.command('DEL', redisKey);
    await server.command('RPUSH', redisKey, 'a', 'list');
    expect(await cache.look('k', async () => 'z')).toMatchObject({ value: 'z', from: 'loader' });
    await cache.invalidate({ key: 'k' });
    expect(cache.stats().l2.pendingDeletes).toBe(0);
    expect((await cache.look('k', async () => 'z')).value).toBe('z');
  });

  test('G4: a Redis that is full refuses fills, which no reader notices, and still takes deletes', async () => {
    const server = bin.keep(await startRedis());
    const link = await connect(bin, { url: server.url });
    const cache = stringCache(redisCacheStore({ link }), 'c', { l1: 'off' });
    await cache.get('k', async () => 'old');
    await cache.get('marked', async () => 'old');
    await until(() => cache.stats().l2.filled === 2);
    await cache.invalidate({ key: 'marked' });
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    expect(await cache.look('k', async () => 'x')).toMatchObject({ value: 'old', from: 'l2' });
    expect(await cache.look('other', async () => 'v')).toMatchObject({ value: 'v', from: 'loader' });
    await cache.invalidate({ key: 'k' });
    expect(await cache.expire({ key: 'marked' })).toBe('deleted');
    expect(cache.stats().l2.pendingDeletes).toBe(0);
    expect(await cache.look('k', async () => 'new')).toMatchObject({ value: 'new', from: 'loader' });
    await server.command('CONFIG', 'SET', 'maxmemory', '0');
    expect(await cache.look('k', async () => 'new')).toMatchObject({ value: 'new', from: 'loader' });
    await until(async () => (await cache.look('k', async () => 'new')).from === 'l2');
  });

  test('an ACL user who may only touch the cache’s keys can use it, and one without TIME still gets its answers', async () => {
    const server = bin.keep(await startRedis());
    const rights = [
      '~spillway:cache:*',
      '-@all',
      '+get',
      '+mget',
      '+set',
      '+evalsha',
      '+eval',
      '+getrange',
      '+exists',
      '+unlink',
      '+ping',
    ];
    for (const [user, more] of [
      ['full', ['+time', '+info', '+client', '+hello']],
      ['bare', ['+info', '+client', '+hello']],
    ] as const) {
      await server.command('ACL', 'SETUSER', user, 'on', '>secret', ...rights, ...more);
      const link = await connect(bin, { url: server.url, username: user, password: 'secret' });
      const cache = stringCache(redisCacheStore({ link }), user, { l1: 'off' });
      await cache.get('k', async () => 'v');
      if (user === 'full') {
        await until(() => cache.stats().l2.filled === 1);
        expect((await cache.look('k', async () => 'w')).from).toBe('l2');
        await cache.invalidate({ key: 'k' });
        const under = { tags: ['t'] };
        await cache.get('tagged', async () => 'v', under);
        await until(() => cache.stats().l2.filled === 2);
        expect((await cache.look('tagged', async () => 'w', under)).from).toBe('l2');
        expect([await cache.expire(under), await cache.invalidate(under)]).toEqual(['deleted', 'deleted']);
        expect(cache.stats().l2.errors).toBe(0);
      }
      expect((await cache.look('k', async () => 'w')).value).toBe('w');
    }
  });

  test('a hit under tags costs one GET for each of them, a miss a script for each, and a record has a time to live', async () => {
    const server = bin.keep(await startRedis());
    const link = await connect(bin, { url: server.url });
    const cache = stringCache(redisCacheStore({ link }), 'c', { l1: 'off' });
    const under = { tags: ['x', 'y'] };
    await cache.get('k', async () => 'v', under);
    await until(() => cache.stats().l2.filled === 1);
    await server.command('CONFIG', 'RESETSTAT');
    for (let i = 0; i < 10; i += 1) expect((await cache.look('k', async () => 'w', under)).from).toBe('l2');
    const calls = async () => {
      const info = String(await server.command('INFO', 'commandstats'));
      return Object.fromEntries(
        [...info.matchAll(/cmdstat_(\w+):calls=(\d+)/g)].map(([, name, n]) => [name, Number(n)]),
      );
    };
    // The two travel together.
    const hits = await calls();
    expect([hits.get, hits.mget, hits.evalsha, hits.set]).toEqual([10, 10, undefined, undefined]);
    await server.command('CONFIG', 'RESETSTAT');
    await cache.get('cold', async () => 'v', under);
    await until(() => cache.stats().l2.filled === 2);
    expect((await calls()).evalsha).toBe(4);
    const records = (await server.command('KEYS', '*:tag')) as string[];
    expect(records).toHaveLength(2);
    for (const record of records) expect(Number(await server.command('PTTL', record))).toBeGreaterThan(86_400_000);
  });

  test('records of a foreign type or format are nothing, and a full Redis still takes invalidations of tags', async () => {
    const server = bin.keep(await startRedis());
    const link = await connect(bin, { url: server.url });
    const cache = stringCache(redisCacheStore({ link }), 'c', { l1: 'off' });
    const under = { tags: ['t'] };
    await cache.get('k', async () => 'v', under);
    await until(() => cache.stats().l2.filled === 1);
    const [record = ''] = (await server.command('KEYS', '*:tag')) as string[];
    await server.command('SET', record, 'something else', 'PX', 60_000);
    expect(await cache.look('k', async () => 'w', under)).toMatchObject({ value: 'w', from: 'loader' });
    await until(() => cache.stats().l2.filled === 2);
    expect((await cache.look('k', async () => 'x', under)).from).toBe('l2');
    await server.command('DEL', record);
    await server.command('RPUSH', record, 'a', 'list');
    expect(await cache.look('k', async () => 'x', under)).toMatchObject({ value: 'x', from: 'loader' });
    expect(await cache.expire(under)).toBe('deleted');
    await cache.get('k', async () => 'y', under);
    await until(() => cache.stats().l2.filled === 3);
    await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
    await server.command('CONFIG', 'SET', 'maxmemory', '1');
    expect((await cache.look('k', async () => 'z', under)).from).toBe('l2');
    expect(await cache.expire(under)).toBe('deleted');
    expect(await cache.look('k', async () => 'z', under)).toMatchObject({ value: 'z', from: 'loader' });
    expect(cache.stats().l2.pendingDeletes).toBe(0);
  });

  test('10,000 callers on a cold key make one load and two writes', async () => {
    const cache = stringCache(redisCacheStore({ link: await shared }), freshName());
    let loads = 0;
    const values = await Promise.all(
      Array.from({ length: 10_000 }, () =>
        cache.get('k', async () => {
          loads += 1;
          return 'v';
        }),
      ),
    );
    expect(new Set(values)).toEqual(new Set(['v']));
    expect(loads).toBe(1);
  });
});
