import { type Cache, type CacheStore, createCache } from '@spillway/cache';
import type { Clock } from '@spillway/kernel';
import { createApplied } from '../changes/applied.ts';
import type { ChangeLog } from '../changes/change-log.ts';
import { replayedStore } from '../changes/replayed-store.ts';
import type { Foundation } from '../foundation/foundation.ts';
import { LOOK_UPS_PER_QUERY } from '../links/find-for-redirect.ts';
import { type CachedLink, linkCodec } from './cached-link.ts';

export interface LinkCache {
  readonly cache: Cache<CachedLink>;
  /** L2 is right up to this change. */
  readonly onSettled: (seq: number) => void;
  close(): Promise<void>;
}

const NAME = 'links';

/** The cache of links: L1, and L2 where there is a Redis. */
export async function openLinkCache(
  { config, neighbours, redis }: Foundation,
  log: ChangeLog,
  clock: Clock,
): Promise<LinkCache> {
  const { cache: settings, database, prefix } = config;
  const mostLoads = settings.concurrentLoads * LOOK_UPS_PER_QUERY;
  const { bus } = neighbours;
  const open = (l2: CacheStore | undefined): Cache<CachedLink> =>
    createCache<CachedLink>({
      name: NAME,
      ttl: `${settings.ttlMs}ms`,
      negativeTtl: '30s',
      staleIfError: '24h',
      // Alone, nobody else can change a link behind this process's back.
      l1:
        settings.l1 === 'off'
          ? 'off'
          : { maxEntries: settings.maxEntries, ttl: database.kind === 'sqlite' ? '1h' : '5s' },
      // As many as fit into the queries that the store of links lets run, and as many again that wait for the next ones.
      loads: {
        concurrent: mostLoads,
        queued: mostLoads,
        // A link that many instances miss at once is asked for by one of them. Without a bus they would not hear of it soon enough.
        across: l2 === undefined || bus === undefined ? 'process' : 'processes',
        // A redirect waits no longer than this for an instance that was killed while it asked.
        lease: '250ms',
      },
      codec: linkCodec,
      clock,
      ...(l2 === undefined ? {} : { l2 }),
      ...(bus === undefined ? {} : { bus }),
    });
  if (redis === undefined || settings.l2 === 'off') {
    const cache = open(undefined);
    return { cache, onSettled: () => undefined, close: () => cache.close() };
  }
  const { redisCacheStore } = await import('@spillway/cache/redis');
  const applied = createApplied(redis.cache, prefix);
  const store = replayedStore({ store: redisCacheStore({ link: redis.cache, prefix }), name: NAME, log, applied });
  const cache = open(store);
  return {
    cache,
    onSettled(seq) {
      // Not while it is away or being mended: the mark must not get ahead of what was done.
      if (store.state === 'up') applied.write(seq).catch(() => undefined);
    },
    async close() {
      await cache.close();
      store.close();
    },
  };
}
