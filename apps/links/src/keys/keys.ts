import { randomUUID, timingSafeEqual } from 'node:crypto';
import type { CacheStats } from '@spillway/cache';
import { type Bus, type Clock, monotonicClock } from '@spillway/kernel';
import { createApiKey, hashApiKey, hintOf } from './api-key.ts';
import { createKeyCache } from './key-cache.ts';
import type { KeyRecord, KeyStore } from './key-store.ts';
import { ADMIN, type Caller, type Scope } from './scopes.ts';

/** The API keys. */
export interface Keys {
  /**
   * Who has this key; undefined when nobody has, or it has expired. `beforeAsking` is called before the database is asked for
   * one that was not known here to be a key; what it throws ends the call. While the database is away, keys that were read here
   * within 24 h go on being believed, unless a revocation was heard of.
   * @throws {StoreUnavailableError} when the database does not answer, and the key was not read here before
   */
  authenticate(key: string, beforeAsking?: () => void): Promise<Caller | undefined>;
  /** The key itself is only ever returned here. */
  create(options: NewKey): Promise<{ readonly key: string; readonly record: KeyRecord }>;
  list(): Promise<readonly KeyRecord[]>;
  get(id: string): Promise<KeyRecord | undefined>;
  update(id: string, change: Partial<NewKey>): Promise<KeyRecord | undefined>;
  revoke(id: string): Promise<boolean>;
  /** Of the keys that this instance has read. */
  stats(): CacheStats;
  close(): Promise<void>;
}

export interface NewKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAtMs: number | undefined;
  readonly plan?: string | undefined;
  readonly limits?: string | undefined;
}

export interface KeysOptions {
  readonly store: KeyStore;
  readonly adminKey: string | undefined;
  readonly bus: Bus | undefined;
  /** For what expires; default `Date.now`. */
  readonly now?: () => number;
  /** For what is remembered; default `monotonicClock`. */
  readonly clock?: Clock;
}

export function createKeys({ store, adminKey, bus, now = Date.now, clock = monotonicClock }: KeysOptions): Keys {
  const adminHash = adminKey === undefined ? undefined : Buffer.from(hashApiKey(adminKey));
  const cache = createKeyCache({ store, bus, clock });
  return {
    async authenticate(key, beforeAsking) {
      const hash = hashApiKey(key);
      if (adminHash !== undefined && timingSafeEqual(adminHash, Buffer.from(hash))) return ADMIN;
      const record = await cache.find(hash, beforeAsking);
      if (record === undefined || (record.expiresAtMs ?? Number.POSITIVE_INFINITY) <= now()) return undefined;
      if (record.id === ADMIN.id) return ADMIN;
      const { id, scopes, plan, limits } = record;
      return { id, kind: 'key', scopes: new Set(scopes), plan, limits };
    },
    async create({ plan, limits, ...given }) {
      const key = createApiKey();
      const id = `key_${randomUUID().replaceAll('-', '').slice(0, 20)}`;
      const record = { id, ...given, plan, limits, hash: hashApiKey(key), hint: hintOf(key), createdAtMs: now() };
      await store.insert(record);
      return { key, record };
    },
    list: () => store.list(),
    get: (id) => store.byId(id),
    async update(id, change) {
      if (id === ADMIN.id) return undefined;
      const record = await store.update(id, change);
      // What a key may do is not to be more than it was told to be, not even while the database is away.
      const as = 'scopes' in change || 'expiresAtMs' in change ? 'revoked' : 'changed';
      if (record !== undefined) await cache.outdate(record.hash, as);
      return record;
    },
    async revoke(id) {
      const hash = await store.remove(id);
      if (hash !== undefined) await cache.outdate(hash, 'revoked');
      return hash !== undefined;
    },
    stats: () => cache.stats(),
    close: () => cache.close(),
  };
}
