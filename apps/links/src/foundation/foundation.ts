import type { RedisLink } from '@spillway/redis';
import type { Config } from '../config.ts';
import { createLogger, type Logger } from '../log.ts';
import type { Database } from '../sql/database.ts';
import { checkRedis } from './check-redis.ts';
import { createClosers } from './closers.ts';
import { openMigratedDatabase } from './migrated-database.ts';
import { type Duty, meetNeighbours, type Neighbours } from './neighbours.ts';
import { openRedisLinks, type RedisLinks } from './redis-links.ts';
import type { RedisUse } from './redis-rights.ts';
import { keptSecret } from './secret.ts';

/** What every long-running command stands on: settings, a migrated database, Redis, the other instances. */
export interface Foundation {
  readonly config: Config;
  /** This process's name, unique among the live ones. */
  readonly instance: string;
  readonly log: Logger;
  readonly database: Database;
  readonly redis: RedisLinks | undefined;
  readonly neighbours: Neighbours;
  readonly secret: string;
  close(): Promise<void>;
}

/**
 * Opens all of it. PostgreSQL must answer, Redis need not.
 * @throws {StartupError} with a paragraph for people, when something must be mended first
 */
export async function openFoundation(config: Config, instance: string, duty: Duty = 'serves'): Promise<Foundation> {
  const closers = createClosers();
  try {
    const log = createLogger({ level: config.logLevel, instance });
    const { database, close } = await openMigratedDatabase(config);
    closers.add(close);
    const { assertSecret, hasSecret } = await import('@spillway/ids/sql');
    const secret =
      config.secret ??
      keptSecret(config.dataDir, { database: (await hasSecret({ sql: database.sql })) ? 'used' : 'new' });
    await assertSecret({ sql: database.sql, secret });
    const redis = openRedisLinks(config);
    if (redis !== undefined) {
      closers.add(() => redis.close());
      const { main, cache } = redis;
      const check = (link: RedisLink, uses: readonly RedisUse[]) =>
        checkRedis(link, { prefix: config.prefix, uses, log });
      await Promise.all(
        main === cache ? [check(main, ['state', 'cache'])] : [check(main, ['state']), check(cache, ['cache'])],
      );
    }
    const neighbours = await meetNeighbours({ config, instance, duty, database, redis });
    closers.add(() => neighbours.close());
    return { config, instance, log, database, redis, neighbours, secret, close: () => closers.close() };
  } catch (error) {
    await closers.close().catch(() => undefined);
    throw error;
  }
}
