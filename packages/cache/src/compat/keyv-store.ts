import type { Cache } from '../cache.ts';
import { plainAccess, refuseClear } from './plain-access.ts';

/** What Keyv 5 and 6 take as a `store`. */
export interface KeyvStore {
  readonly opts: object;
  get(key: string): Promise<unknown>;
  getMany(keys: readonly string[]): Promise<unknown[]>;
  set(key: string, value: unknown, ttlMs?: number): Promise<boolean>;
  delete(key: string): Promise<boolean>;
  deleteMany(keys: readonly string[]): Promise<boolean>;
  has(key: string): Promise<boolean>;
  /** @throws {ConfigurationError} always: see the docs */
  clear(): Promise<void>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
}

/**
 * A store for Keyv, and so for cache-manager: `new Keyv({ store: keyvStore(cache) })`. What has no ttl lives for the cache's own. Trouble
 * of the second tier does not show. Keyv loads nothing, so there is no single flight through it: see `cache.get`. No `clear` and no
 * iterator.
 */
export function keyvStore(cache: Cache<unknown>): KeyvStore {
  const plain = plainAccess(cache);
  const store: KeyvStore = {
    opts: {},
    get: plain.get,
    getMany: (keys) => Promise.all(keys.map(plain.get)),
    async set(key, value, ttlMs) {
      await plain.set(key, value, ttlMs);
      return true;
    },
    delete: plain.delete,
    async deleteMany(keys) {
      return (await Promise.all(keys.map(plain.delete))).some(Boolean);
    },
    has: async (key) => (await plain.get(key)) !== undefined,
    clear: refuseClear,
    // Nothing is ever emitted: what goes wrong is on the cache's channels.
    on: () => store,
  };
  return store;
}
