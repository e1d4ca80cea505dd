import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { createCache } from '@spillway/cache';
import { cacheManagerStyle, keyvStore } from '@spillway/cache/compat';
import { redisCacheStore } from '@spillway/cache/redis';
import { createCache as createManaged, type Cache as Managed } from 'cache-manager';
import { Keyv } from 'keyv';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { connect, createBin, freshName } from '../../support/redis-fixture.ts';

// cache-manager brings a Keyv of its own, the version before.
const ManagedKeyv = (
  createRequire(import.meta.resolve('cache-manager'))('keyv') as { Keyv: new (options: object) => never }
).Keyv;

const bin = createBin();
afterEach(() => bin.empty());

const settings = { ttl: '1h', loads: { concurrent: 10, queued: 1_000 }, jitter: 0 } as const;
const over = {
  'L1 alone': async () => bin.keep(createCache<unknown>({ name: freshName(), ...settings })),
  'L1 and Redis': async () => {
    const l2 = redisCacheStore({ link: await connect(bin, { url: inject('redisUrl') }) });
    return bin.keep(createCache<unknown>({ name: freshName(), l2, ...settings }));
  },
};

describe.each(Object.entries(over))('over %s', (_, create) => {
  test('the real Keyv finds what it expects of a store', async () => {
    const keyv = new Keyv({ store: keyvStore(await create()) });
    const errors: unknown[] = [];
    keyv.on('error', (error: unknown) => errors.push(error));
    expect(await keyv.get('foo')).toBeUndefined();
    expect(await keyv.set('foo', 'bar')).toBe(true);
    expect([await keyv.get('foo'), await keyv.has('foo')]).toEqual(['bar', true]);
    expect([await keyv.delete('foo'), await keyv.delete('foo')]).toEqual([true, false]);
    expect([await keyv.get('foo'), await keyv.has('foo')]).toEqual([undefined, false]);
    for (const value of [null, false, 0, '', { nested: [1, { a: 'ü' }] }, 'x'.repeat(10_000)]) {
      await keyv.set('value', value);
      expect(await keyv.get('value')).toEqual(value);
    }
    await keyv.set('short', 'lived', 200);
    expect(await keyv.get('short')).toBe('lived');
    await pause(250);
    expect(await keyv.get('short')).toBeUndefined();
    await keyv.setMany([
      { key: 'a', value: 1 },
      { key: 'b', value: 2 },
    ]);
    expect(await keyv.getMany(['a', 'none', 'b'])).toEqual([1, undefined, 2]);
    await keyv.deleteMany(['a', 'b']);
    expect(await keyv.hasMany(['a', 'b'])).toEqual([false, false]);
    expect(errors).toEqual([]);
  });

  test('two namespaces of Keyv do not meet', async () => {
    const store = keyvStore(await create());
    const [a, b] = [new Keyv({ store, namespace: 'a' }), new Keyv({ store, namespace: 'b' })];
    await a.set('k', 1);
    expect([await a.get('k'), await b.get('k')]).toEqual([1, undefined]);
  });

  test('the real cache-manager works on it as a store', async () => {
    const managed = createManaged({ stores: [new ManagedKeyv({ store: keyvStore(await create()) })] });
    await behaves(managed);
  });

  test('code written for cache-manager works on the cache itself', async () => {
    const styled = cacheManagerStyle(await create());
    await behaves(
      styled satisfies Pick<Managed, 'get' | 'mget' | 'set' | 'mset' | 'del' | 'mdel' | 'disconnect' | 'cacheId'>,
    );
    let loads = 0;
    const load = async () => `loaded ${++loads}`;
    expect(await Promise.all([styled.wrap('one', load), styled.wrap('one', load)])).toEqual(['loaded 1', 'loaded 1']);
  });
});

/** What cache-manager's own tests expect of its methods. */
async function behaves(
  cache: Pick<Managed, 'get' | 'mget' | 'set' | 'mset' | 'del' | 'mdel'> &
    Pick<ReturnType<typeof cacheManagerStyle>, 'wrap'>,
) {
  expect(await cache.get('key')).toBeUndefined();
  expect(await cache.set('key', { a: 1 })).toEqual({ a: 1 });
  expect(await cache.get('key')).toEqual({ a: 1 });
  expect(await cache.del('key')).toBe(true);
  expect(await cache.get('key')).toBeUndefined();
  const list = [
    { key: 'key1', value: 1 },
    { key: 'key2', value: 2, ttl: 60_000 },
  ];
  expect(await cache.mset(list)).toEqual(list);
  expect(await cache.mget(['key1', 'none', 'key2'])).toEqual([1, undefined, 2]);
  expect(await cache.mdel(['key1', 'key2'])).toBe(true);
  expect(await cache.mget(['key1', 'key2'])).toEqual([undefined, undefined]);
  await cache.set('short', 'lived', 200);
  expect(await cache.get('short')).toBe('lived');
  await pause(250);
  expect(await cache.get('short')).toBeUndefined();
  let loads = 0;
  const load = async () => {
    loads += 1;
    return 'loaded';
  };
  expect([await cache.wrap('wrapped', load, 60_000), await cache.wrap('wrapped', load, 60_000), loads]).toEqual([
    'loaded',
    'loaded',
    1,
  ]);
  await cache.del('wrapped');
  expect([await cache.wrap('wrapped', load), loads]).toEqual(['loaded', 2]);
  await expect(cache.wrap('broken', async () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
}

test('what a cache can not do is refused with a remedy', async () => {
  const cache = bin.keep(createCache<unknown>({ name: 'c', ...settings }));
  for (const clear of [keyvStore(cache).clear, cacheManagerStyle(cache).clear]) {
    await expect(clear()).rejects.toThrow(
      'A cache has no clear(): other instances hold copies. Invalidate keys, or open it',
    );
  }
  await expect(cacheManagerStyle(cache).set('k', 1, -1)).rejects.toThrow(
    'ttl must be a number of milliseconds >= 0, got -1',
  );
  await cacheManagerStyle(cache).set('k', 1, 0);
  expect(cache.peek('k')).toMatchObject({ value: 1, state: 'fresh' });
});
