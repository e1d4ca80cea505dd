import { ConfigurationError, StoreUnavailableError } from '@spillway/kernel';
import type { Config } from '../config.ts';
import { createLogger, type Logger } from '../log.ts';
import { type Database, openDatabase } from '../sql/database.ts';
import { allMigrations } from '../sql/migrations.ts';
import { StartupError } from '../startup-error.ts';
import { createClosers } from './closers.ts';
import { prepareDataDir } from './data-dir.ts';
import { meetNeighbours, type Neighbours } from './neighbours.ts';
import { openRedisLinks, type RedisLinks } from './redis-links.ts';
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
export async function openFoundation(config: Config, instance: string): Promise<Foundation> {
  const closers = createClosers();
  try {
    const log = createLogger({ level: config.logLevel, instance });
    prepareDataDir(config.dataDir);
    if (config.database.kind === 'sqlite') closers.add(await lockDataDir(config.dataDir));
    const secret = config.secret ?? keptSecret(config.dataDir);
    const database = await openDatabase(config);
    closers.add(() => database.close());
    await database.migrate(await allMigrations()).catch((error: unknown) => {
      throw explain(error, config);
    });
    const { assertSecret } = await import('@spillway/ids/sql');
    await assertSecret({ sql: database.sql, secret });
    const redis = openRedisLinks(config);
    if (redis !== undefined) closers.add(() => redis.close());
    const neighbours = await meetNeighbours({ config, instance, database, redis });
    closers.add(() => neighbours.close());
    return { config, instance, log, database, redis, neighbours, secret, close: () => closers.close() };
  } catch (error) {
    await closers.close().catch(() => undefined);
    throw error;
  }
}

async function lockDataDir(dataDir: string): Promise<() => Promise<void>> {
  const { DirectoryLockedError, lockDirectory } = await import('@spillway/events');
  try {
    const lock = lockDirectory(dataDir);
    return async () => lock.release();
  } catch (error) {
    if (!(error instanceof DirectoryLockedError)) throw error;
    throw new StartupError(
      `DATA_DIR: ${error.message}. The embedded database takes one process at a time; several need DATABASE_URL.`,
    );
  }
}

/** A failure of the first contact with the database, as a paragraph for people. */
function explain(error: unknown, { database }: Config): unknown {
  if (database.kind === 'sqlite' || error instanceof ConfigurationError) return error;
  const { host, pathname } = new URL(database.url);
  const where = `${host}${pathname}`;
  const cause = error instanceof StoreUnavailableError ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const said = cause instanceof Error && cause.message !== '' ? cause.message : code;
  if (['28P01', '28000'].includes(code)) {
    return new StartupError(`DATABASE_URL: PostgreSQL at ${where} refused the user or the password (${said})`);
  }
  if (code === '3D000') {
    return new StartupError(`DATABASE_URL: PostgreSQL at ${where} has no such database (${said}); create it first`);
  }
  if (code === '42501') {
    return new StartupError(
      `DATABASE_URL: the user may not create tables at ${where} (${said}); grant CREATE on its schema`,
    );
  }
  if (error instanceof StoreUnavailableError) {
    return new StartupError(
      `DATABASE_URL: PostgreSQL at ${where} can not be reached (${said}); start it, or mend the address`,
    );
  }
  return error;
}
