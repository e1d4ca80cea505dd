import { redisCacheStore } from '@spillway/cache/redis';
import { startRedis, startRedisCluster, until } from '@spillway/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { connect, createBin, freshName, stringCache } from '../support/redis-fixture.ts';

const bin = createBin();
afterEach(() => bin.empty());

const KEYS = Array.from({ length: 100 }, (_, i) => `k${i}`);
const loadMany = async (keys: readonly string[]) => new Map(keys.map((key) => [key, `value of ${key}`]));
const never = () => Promise.reject(new Error('it went past Redis'));

describe('getMany on Redis', () => {
  test('100 hits are one MGET; half of them missing are one load, and filled in the end', async () => {
    const server = bin.keep(await startRedis());
    const store = redisCacheStore({ link: await connect(bin, { url: server.url }) });
    const [cache, other] = [stringCache(store, 'c', { l1: 'off' }), stringCache(store, 'c')];
    await cache.getMany(KEYS.slice(0, 50), loadMany);
    await until(() => cache.stats().l2.filled === 50);
    let batches = 0;
    const values = await cache.getMany(KEYS, async (keys) => {
      batches += 1;
      expect(keys).toEqual(KEYS.slice(50));
      return await loadMany(keys);
    });
    expect([values.length, values[0], values[99], batches]).toEqual([100, 'value of k0', 'value of k99', 1]);
    await until(() => cache.stats().l2.filled === 100);
    // Misses are not the usual any more.
    for (let i = 0; i < 40; i += 1) await cache.get('k0', never);
    await server.command('CONFIG', 'RESETSTAT');
    expect(await other.getMany(KEYS, never)).toEqual(values);
    const stats = String(await server.command('INFO', 'commandstats'));
    expect(stats.match(/cmdstat_mget:calls=(\d+)/)?.[1]).toBe('1');
    expect(stats).not.toMatch(/cmdstat_(get|set|evalsha):/);
  });

  test('on a Cluster the keys of every node come back in their order', async () => {
    const cluster = bin.keep(await startRedisCluster({ masters: 3 }));
    const store = redisCacheStore({ link: await connect(bin, { cluster: cluster.nodes }) });
    const name = freshName();
    const [cache, other] = [stringCache(store, name), stringCache(store, name)];
    const values = await cache.getMany(KEYS, loadMany);
    await until(() => cache.stats().l2.filled === 100);
    expect(await other.getMany(KEYS.toReversed(), never)).toEqual(values.toReversed());
    await cache.invalidate({ keys: KEYS.slice(0, 10) });
    expect(await other.touch('k10', { ttl: '10m' })).toBe('prolonged');
    expect(await other.touch('k9')).toBe('absent');
  });
});
