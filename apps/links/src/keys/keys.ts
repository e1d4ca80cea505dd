import { randomUUID, timingSafeEqual } from 'node:crypto';
import { type Bus, createSingleFlight } from '@spillway/kernel';
import { createApiKey, hashApiKey, hintOf } from './api-key.ts';
import type { KeyRecord, KeyStore } from './key-store.ts';
import { ADMIN, type Caller, type Scope } from './scopes.ts';

/** The API keys. */
export interface Keys {
  /**
   * Who has this key; undefined when nobody has, or it has expired. `beforeAsking` is called before the database is asked for
   * one that was not known here to be a key; what it throws ends the call.
   * @throws {StoreUnavailableError}
   */
  authenticate(key: string, beforeAsking?: () => void): Promise<Caller | undefined>;
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
  readonly plan?: string | undefined;
  readonly limits?: string | undefined;
}

/** How long another instance's change or revocation can go unnoticed when the bus lost it. */
const REMEMBER_MS = 750;
/** So long a key that was read is believed in while the database does not answer, unless a change was told of meanwhile. */
const BELIEVE_MS = 5_000;
/** Keys remembered, and as many non-keys apart from them; beyond it the oldest is forgotten (G7). */
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
  // Apart, so that no number of made-up keys makes a real one be forgotten.
  const known = new Map<string, { readonly record: KeyRecord; until: number; believedUntil: number }>();
  const unknown = new Map<string, number>();
  let generation = 0;
  const forget = () => {
    generation += 1;
    // Out of date, but still told from text that was never a key.
    for (const entry of known.values()) {
      entry.until = 0;
      entry.believedUntil = 0;
    }
    unknown.clear();
  };
  const stops = [bus?.subscribe(TOPIC, forget), bus?.onGap(forget)];
  const changed = () => {
    forget();
    bus?.publish(TOPIC, 'changed');
  };

  const remember = (hash: string, record: KeyRecord | undefined) => {
    known.delete(hash);
    const until = now() + REMEMBER_MS;
    if (record === undefined) setNewest(unknown, hash, until);
    else setNewest(known, hash, { record, until, believedUntil: now() + BELIEVE_MS });
  };

  const find = async (hash: string, beforeAsking: (() => void) | undefined): Promise<KeyRecord | undefined> => {
    const entry = known.get(hash);
    if (entry !== undefined && entry.until > now()) return entry.record;
    if ((unknown.get(hash) ?? 0) > now()) return undefined;
    if (entry === undefined) beforeAsking?.();
    return flights.run(`${generation}:${hash}`, async () => {
      const begun = generation;
      const record = await store.byHash(hash).catch((error) => {
        if (entry === undefined || entry.believedUntil <= now()) throw error;
        return 'away' as const;
      });
      if (record === 'away') return entry?.record;
      // What was read before a change must not outlive it.
      if (begun === generation) remember(hash, record);
      return record;
    });
  };

  return {
    async authenticate(key, beforeAsking) {
      const hash = hashApiKey(key);
      if (adminHash !== undefined && timingSafeEqual(adminHash, Buffer.from(hash))) return ADMIN;
      const record = await find(hash, beforeAsking);
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
      changed();
      return record;
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

function setNewest<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  if (map.size >= MAX_REMEMBERED) map.delete(map.keys().next().value as string);
  map.set(key, value);
}
