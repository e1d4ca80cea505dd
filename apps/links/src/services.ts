import type { Cache } from '@spillway/cache';
import { createIdAllocator, createShortCode, type IdAllocator } from '@spillway/ids';
import { sqlBlocks } from '@spillway/ids/sql';
import { MARK_LIFE_MS } from './changes/applied.ts';
import { createChangeFeed } from './changes/change-feed.ts';
import { createChangeLog } from './changes/change-log.ts';
import { type ClickLog, openClickLog } from './click-log/click-log.ts';
import type { DatabaseConfig } from './config.ts';
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
import type { CachedLink } from './redirect/cached-link.ts';
import { openLinkCache } from './redirect/link-cache.ts';
import { createRequestClock, type RequestClock } from './redirect/request-clock.ts';
import { openRequestLog, type RequestLog } from './requests/request-log.ts';

/** The parts of the service, put together. What each does is in its own folder. */
export interface Services extends Foundation {
  readonly clock: RequestClock;
  readonly domains: Domains;
  readonly store: LinkStore;
  readonly links: Links;
  readonly cache: Cache<CachedLink>;
  readonly ids: IdAllocator;
  readonly keys: Keys;
  readonly limits: Limits;
  readonly passwords: Passwords;
  readonly clicks: ClickLog;
  readonly requests: RequestLog;
}

export async function openServices(foundation: Foundation): Promise<Services> {
  const { config, database, neighbours, secret } = foundation;
  const closers = createClosers();
  closers.add(() => foundation.close());
  try {
    const domains = await openDomains(database.sql, config.domains, config.publicUrl);
    const log = createChangeLog(database.sql);
    const clock = createRequestClock();
    const { cache, close: closeCache, onSettled } = await openLinkCache(foundation, log, clock);
    closers.add(closeCache);
    const { bus } = neighbours;
    const settleMs = longestTransactionMs(config.database);
    const feed = bus === undefined ? undefined : createChangeFeed({ log, bus, cache, onSettled, settleMs });
    if (feed !== undefined) closers.add(() => feed.close());
    const announce = (seqs: readonly number[]) => feed?.announce(seqs);
    const ids = createIdAllocator({ source: await blockSource(foundation) });
    closers.add(() => ids.close());
    const keys = createKeys({
      store: createKeyStore(database.sql),
      adminKey: config.adminKey,
      bus,
    });
    closers.add(() => keys.close());
    const limits = await createLimits(foundation, clock);
    closers.add(() => limits.close());
    const store = createLinkStore(database, domains, config.cache.concurrentLoads);
    closers.add(tidyRegularly(store, foundation.log));
    const passwords = createPasswords();
    const shortCode = createShortCode({ secret });
    const links = createLinks({ store, domains, ids, shortCode, cache, passwords, secret, announce });
    const logs: { close(): Promise<void> }[] = [];
    closers.add(() => closeTogether(logs));
    const clicks = await openClickLog(foundation);
    logs.push(clicks);
    const requests = await openRequestLog(foundation);
    logs.push(requests);
    await feed?.begun;
    await neighbours.met;
    const close = () => closers.close();
    return {
      ...foundation,
      clock,
      domains,
      store,
      links,
      cache,
      ids,
      keys,
      limits,
      passwords,
      clicks,
      requests,
      close,
    };
  } catch (error) {
    await closers.close().catch(() => undefined);
    throw error;
  }
}

/** Each may take as long as a stop has left: both at the same time. */
async function closeTogether(logs: readonly { close(): Promise<void> }[]): Promise<void> {
  const outcomes = await Promise.allSettled(logs.map((log) => log.close()));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** How long idempotency keys and changes are kept; twice what is needed, since two clocks have a part in it. */
const KEEP_MS = 2 * MARK_LIFE_MS;
const TIDY_EVERY_MS = 600_000;

function tidyRegularly(store: LinkStore, log: Foundation['log']): () => Promise<void> {
  const timer = setInterval(() => {
    store.forgetOld(Date.now() - KEEP_MS).catch((error) => log.debug({ err: error }, 'old rows stay for now'));
  }, TIDY_EVERY_MS);
  timer.unref();
  return async () => clearInterval(timer);
}

const LEAST_SETTLE_MS = 15_000;

/**
 * From the number of a change to its commit: the rest of its statement, as long as PostgreSQL lets a transaction idle (five
 * times the timeout), and the commit; with half a timeout to spare.
 */
function longestTransactionMs(database: DatabaseConfig): number {
  return database.kind === 'sqlite' ? LEAST_SETTLE_MS : Math.max(LEAST_SETTLE_MS, 7.5 * database.timeoutMs);
}

async function blockSource({ config, database, redis }: Foundation) {
  if (redis === undefined) return sqlBlocks({ sql: database.sql });
  const { fencedBlocks } = await import('@spillway/ids/redis');
  return fencedBlocks({ link: redis.main, sql: database.sql, prefix: config.prefix });
}
