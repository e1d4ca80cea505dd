import { type Cache, createCache } from '@spillway/cache';
import { createIdAllocator, createShortCode, type IdAllocator } from '@spillway/ids';
import { sqlBlocks } from '@spillway/ids/sql';
import { type ClickLog, openClickLog } from './click-log/click-log.ts';
import { createClosers } from './foundation/closers.ts';
import type { Foundation } from './foundation/foundation.ts';
import { createKeyStore } from './keys/key-store.ts';
import { createKeys, type Keys } from './keys/keys.ts';
import { createLimits, type Limits } from './limits/limits.ts';
import { type Domains, openDomains } from './links/domains.ts';
import type { LinkStore } from './links/link-store.ts';
import { createLinks, type Links } from './links/links.ts';
import { createPasswords, type Passwords } from './links/password.ts';
import { createLinkStore } from './links/sql-link-store.ts';
import { type CachedLink, linkCodec } from './redirect/cached-link.ts';

/** The parts of the service, put together. What each does is in its own folder. */
export interface Services extends Foundation {
  readonly domains: Domains;
  readonly store: LinkStore;
  readonly links: Links;
  readonly cache: Cache<CachedLink>;
  readonly ids: IdAllocator;
  readonly keys: Keys;
  readonly limits: Limits;
  readonly passwords: Passwords;
  readonly clicks: ClickLog;
}

/** Loads that may wait for each one that may run. */
const QUEUED_PER_LOAD = 50;

export async function openServices(foundation: Foundation): Promise<Services> {
  const { config, database, neighbours, secret } = foundation;
  const closers = createClosers();
  closers.add(() => foundation.close());
  try {
    const domains = await openDomains(database.sql, config.domains, config.publicUrl);
    const cache = await createLinkCache(foundation);
    closers.add(() => cache.close());
    const ids = createIdAllocator({ source: await blockSource(foundation) });
    closers.add(() => ids.close());
    const keys = createKeys({
      store: createKeyStore(database.sql),
      adminKey: config.adminKey,
      bus: neighbours.bus,
    });
    closers.add(async () => keys.close());
    const limits = await createLimits(foundation);
    const store = createLinkStore(database, domains);
    const passwords = createPasswords();
    const shortCode = createShortCode({ secret });
    const links = createLinks({ store, domains, ids, shortCode, cache, passwords, secret });
    const clicks = await openClickLog(foundation);
    closers.add(() => clicks.close());
    const close = () => closers.close();
    return { ...foundation, domains, store, links, cache, ids, keys, limits, passwords, clicks, close };
  } catch (error) {
    await closers.close().catch(() => undefined);
    throw error;
  }
}

async function blockSource({ config, database, redis }: Foundation) {
  if (redis === undefined) return sqlBlocks({ sql: database.sql });
  const { fencedBlocks } = await import('@spillway/ids/redis');
  return fencedBlocks({ link: redis.main, sql: database.sql, prefix: config.prefix });
}

async function createLinkCache({ config, neighbours, redis }: Foundation): Promise<Cache<CachedLink>> {
  const { cache, database } = config;
  const l2 = redis === undefined || cache.l2 === 'off' ? undefined : await openL2(redis.cache, config.prefix);
  // Alone, nobody else can change a link behind this process's back.
  const l1Ttl = database.kind === 'sqlite' ? '1h' : '5s';
  return createCache<CachedLink>({
    name: 'links',
    ttl: `${cache.ttlMs}ms`,
    negativeTtl: '30s',
    staleIfError: '24h',
    l1: cache.l1 === 'off' ? 'off' : { maxEntries: cache.maxEntries, ttl: l1Ttl },
    loads: { concurrent: cache.concurrentLoads, queued: cache.concurrentLoads * QUEUED_PER_LOAD },
    codec: linkCodec,
    ...(l2 === undefined ? {} : { l2 }),
    ...(neighbours.bus === undefined ? {} : { bus: neighbours.bus }),
  });
}

async function openL2(link: NonNullable<Foundation['redis']>['cache'], prefix: string) {
  const { redisCacheStore } = await import('@spillway/cache/redis');
  return redisCacheStore({ link, prefix });
}
