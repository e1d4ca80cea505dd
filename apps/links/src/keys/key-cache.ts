import { type CacheStats, createCache } from '@spillway/cache';
import type { Bus, Clock } from '@spillway/kernel';
import type { KeyRecord, KeyStore } from './key-store.ts';

/** The keys that this instance has read. */
export interface KeyCache {
  /**
   * The key with this hash; undefined when there is none. `beforeAsking` is called before the database is asked for one that was
   * not known here to be a key; what it throws ends the look-up.
   * @throws {StoreUnavailableError} when the database does not answer, and the key was not read before
   */
  find(hash: string, beforeAsking: (() => void) | undefined): Promise<KeyRecord | undefined>;
  /** Call it after the change. What is `revoked` is never believed in again; what `changed` may still stand in while the database is away. */
  outdate(hash: string, as: 'revoked' | 'changed'): Promise<void>;
  stats(): CacheStats;
  close(): Promise<void>;
}

/** How long another instance's change or revocation can go unnoticed when the bus lost it. */
const FRESH_MS = 750;
/** Keys remembered, and as many non-keys apart from them (G7). */
const MAX_REMEMBERED = 10_000;

export interface KeyCacheOptions {
  readonly store: Pick<KeyStore, 'byHash'>;
  readonly bus: Bus | undefined;
  readonly clock: Clock;
}

/**
 * L1 only: a Redis that was restored from an old snapshot, or has missed a delete, must not bring a revoked key back, and so
 * nothing of a key is ever there.
 */
export function createKeyCache({ store, bus, clock }: KeyCacheOptions): KeyCache {
  const known = createCache<KeyRecord>({
    name: 'keys',
    ttl: `${FRESH_MS}ms`,
    // Not in there: no number of made-up keys makes a real one be forgotten.
    negativeTtl: '0s',
    staleIfError: '24h',
    l1: { maxEntries: MAX_REMEMBERED, ttl: `${FRESH_MS}ms` },
    clock,
    ...(bus === undefined ? {} : { bus }),
  });
  const unknown = new Map<string, number>();

  const load = async (hash: string): Promise<KeyRecord | undefined> => {
    const record = await store.byHash(hash);
    // Revoked, and nobody told: what was read before may not stand in for it, however late this answer is.
    if (record === undefined && known.peek(hash) !== undefined) await known.invalidate({ key: hash });
    return record;
  };

  return {
    async find(hash, beforeAsking) {
      const entry = known.peek(hash);
      if (entry?.state === 'fresh') return entry.value;
      const nowUs = clock.nowUs();
      if ((unknown.get(hash) ?? 0) > nowUs) return undefined;
      if (entry === undefined) beforeAsking?.();
      const record = await known.get(hash, load);
      if (record === undefined) setNewest(unknown, hash, nowUs + FRESH_MS * 1_000);
      return record;
    },
    async outdate(hash, as) {
      await (as === 'revoked' ? known.invalidate({ key: hash }) : known.expire({ key: hash }));
    },
    stats: () => known.stats(),
    close: () => known.close(),
  };
}

function setNewest(map: Map<string, number>, key: string, value: number): void {
  map.delete(key);
  if (map.size >= MAX_REMEMBERED) map.delete(map.keys().next().value as string);
  map.set(key, value);
}
