import type { Cache } from '../cache.ts';
import { lifeOf, plainAccess, refuseClear } from './plain-access.ts';

/** The methods of cache-manager 7 that a `Cache` can keep the promise of; times in milliseconds. */
export interface CacheManagerStyle {
  get<Value>(key: string): Promise<Value | undefined>;
  mget<Value>(keys: string[]): Promise<(Value | undefined)[]>;
  set<Value>(key: string, value: Value, ttlMs?: number): Promise<Value>;
  mset<Value>(
    list: { key: string; value: Value; ttl?: number }[],
  ): Promise<{ key: string; value: Value; ttl?: number }[]>;
  del(key: string): Promise<boolean>;
  mdel(keys: string[]): Promise<boolean>;
  /** One load per key; `undefined` is remembered as "there is none". */
  wrap<Value>(key: string, load: () => Value | Promise<Value>, ttlMs?: number): Promise<Value>;
  /** @throws {ConfigurationError} always: see the docs */
  clear(): Promise<never>;
  disconnect(): Promise<undefined>;
  cacheId(): string;
}

/** A `Cache` with the methods that code written for cache-manager calls. Values are shared and frozen. `disconnect` closes the cache. */
export function cacheManagerStyle(cache: Cache<unknown>): CacheManagerStyle {
  const plain = plainAccess(cache);
  const get = <Value>(key: string) => plain.get(key) as Promise<Value | undefined>;
  return {
    get,
    mget: <Value>(keys: string[]) => Promise.all(keys.map((key) => get<Value>(key))),
    async set(key, value, ttlMs) {
      await plain.set(key, value, ttlMs);
      return value;
    },
    async mset(list) {
      await Promise.all(list.map(({ key, value, ttl }) => plain.set(key, value, ttl)));
      return list;
    },
    async del(key) {
      await cache.invalidate({ key });
      return true;
    },
    async mdel(keys) {
      await cache.invalidate({ keys });
      return true;
    },
    wrap: async <Value>(key: string, load: () => Value | Promise<Value>, ttlMs?: number) =>
      (await cache.get(key, async () => await load(), lifeOf(ttlMs))) as Value,
    clear: refuseClear,
    async disconnect() {
      await cache.close();
      return undefined;
    },
    cacheId: () => cache.name,
  };
}
