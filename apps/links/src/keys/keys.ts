import { randomUUID, timingSafeEqual } from 'node:crypto';
import { type Bus, createSingleFlight } from '@spillway/kernel';
import { createApiKey, hashApiKey, hintOf } from './api-key.ts';
import type { KeyRecord, KeyStore } from './key-store.ts';
import { ADMIN, type Caller, type Scope } from './scopes.ts';

/** The API keys. */
export interface Keys {
  /** Who has this key; undefined when nobody has, or it has expired. @throws {StoreUnavailableError} */
  authenticate(key: string): Promise<Caller | undefined>;
  /** The key itself is only ever returned here. */
  create(options: NewKey): Promise<{ readonly key: string; readonly record: KeyRecord }>;
  list(): Promise<readonly KeyRecord[]>;
  get(id: string): Promise<KeyRecord | undefined>;
  update(id: string, change: Partial<NewKey>): Promise<KeyRecord | undefined>;
  revoke(id: string): Promise<boolean>;
  close(): void;
}

export interface NewKey {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAtMs: number | undefined;
}

/** How long another instance's revocation can go unnoticed when the bus lost it. */
const REMEMBER_MS = 5_000;
/** Keys and non-keys remembered; beyond it all are forgotten (G7). */
const MAX_REMEMBERED = 10_000;
const TOPIC = 'keys';

export interface KeysOptions {
  readonly store: KeyStore;
  readonly adminKey: string | undefined;
  readonly bus: Bus | undefined;
  readonly now?: () => number;
}

export function createKeys({ store, adminKey, bus, now = Date.now }: KeysOptions): Keys {
  const adminHash = adminKey === undefined ? undefined : Buffer.from(hashApiKey(adminKey));
  const flights = createSingleFlight<KeyRecord | undefined>();
  const remembered = new Map<string, { readonly record: KeyRecord | undefined; readonly until: number }>();
  let generation = 0;
  const forget = () => {
    generation += 1;
    remembered.clear();
  };
  const stops = [bus?.subscribe(TOPIC, forget), bus?.onGap(forget)];
  const changed = () => {
    forget();
    bus?.publish(TOPIC, 'changed');
  };

  const find = async (hash: string): Promise<KeyRecord | undefined> => {
    const known = remembered.get(hash);
    if (known !== undefined && known.until > now()) return known.record;
    return flights.run(`${generation}:${hash}`, async () => {
      const begun = generation;
      const record = await store.byHash(hash);
      // What was read before a change must not outlive it.
      if (begun === generation) {
        if (remembered.size >= MAX_REMEMBERED) remembered.clear();
        remembered.set(hash, { record, until: now() + REMEMBER_MS });
      }
      return record;
    });
  };

  return {
    async authenticate(key) {
      const hash = hashApiKey(key);
      if (adminHash !== undefined && timingSafeEqual(adminHash, Buffer.from(hash))) return ADMIN;
      const record = await find(hash);
      if (record === undefined || (record.expiresAtMs ?? Number.POSITIVE_INFINITY) <= now()) return undefined;
      return record.id === ADMIN.id ? ADMIN : { id: record.id, kind: 'key', scopes: new Set(record.scopes) };
    },
    async create({ name, scopes, expiresAtMs }) {
      const key = createApiKey();
      const id = `key_${randomUUID().replaceAll('-', '').slice(0, 20)}`;
      const record = { id, name, hash: hashApiKey(key), hint: hintOf(key), scopes, createdAtMs: now(), expiresAtMs };
      await store.insert(record);
      return { key, record };
    },
    list: () => store.list(),
    get: (id) => store.byId(id),
    async update(id, change) {
      const record = await store.byId(id);
      if (record === undefined || id === ADMIN.id) return undefined;
      const next = { ...record, ...change };
      const there = await store.update(id, next);
      changed();
      return there ? next : undefined;
    },
    async revoke(id) {
      const there = await store.remove(id);
      changed();
      return there;
    },
    close() {
      for (const stop of stops) stop?.();
    },
  };
}
