import { ConfigurationError, type Duration } from '@spillway/kernel';
import type { Cache, SetOptions } from '../cache.ts';

/** A cache as others have it: what was set, or undefined; nothing is loaded. */
export interface PlainAccess<Value> {
  get(key: string): Promise<Value | undefined>;
  set(key: string, value: Value | undefined, ttlMs: number | undefined): Promise<void>;
  /** Whether there was something. */
  delete(key: string): Promise<boolean>;
}

export function plainAccess<Value>(cache: Cache<Value>): PlainAccess<Value> {
  const get = (key: string): Promise<Value | undefined> => cache.get(key, async () => undefined);
  return {
    get,
    set: (key, value, ttlMs) => cache.set(key, value, lifeOf(ttlMs)),
    async delete(key) {
      const was = (await get(key)) !== undefined;
      await cache.invalidate({ key });
      return was;
    },
  };
}

/** Milliseconds as others write them. Without, or with 0, what the cache has by default: nothing lives for ever. */
export function lifeOf(ttlMs: number | undefined): SetOptions {
  if (ttlMs === undefined || ttlMs === 0) return {};
  if (!Number.isFinite(ttlMs) || ttlMs < 0) {
    throw new ConfigurationError(`ttl must be a number of milliseconds >= 0, got ${String(ttlMs)}`);
  }
  return { ttl: `${Math.max(1, Math.round(ttlMs))}ms` as Duration };
}

export const refuseClear = (): Promise<never> =>
  Promise.reject(
    new ConfigurationError(
      'A cache has no clear(): other instances hold copies. Invalidate keys, or open it under another name',
    ),
  );
