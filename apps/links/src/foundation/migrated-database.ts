import { ConfigurationError, StoreUnavailableError } from '@spillway/kernel';
import type { Config } from '../config.ts';
import { type Database, openDatabase } from '../sql/database.ts';
import { allMigrations } from '../sql/migrations.ts';
import { StartupError } from '../startup-error.ts';
import { createClosers } from './closers.ts';
import { prepareDataDir } from './data-dir.ts';
import { checkDatabaseFile, explainEmbedded } from './database-file.ts';

export interface MigratedDatabase {
  readonly database: Database;
  /** The migrations that were applied now. */
  readonly applied: readonly string[];
  close(): Promise<void>;
}

/**
 * Opens the database, embedded under the lock of its directory, and brings its schema up to date.
 * @throws {StartupError} with a paragraph for people, when something must be mended first
 */
export async function openMigratedDatabase(config: Pick<Config, 'database' | 'dataDir'>): Promise<MigratedDatabase> {
  const closers = createClosers();
  try {
    prepareDataDir(config.dataDir);
    if (config.database.kind === 'sqlite') {
      closers.add(await lockDataDir(config.dataDir));
      checkDatabaseFile(config.dataDir);
    }
    const database = await openDatabase(config);
    closers.add(() => database.close());
    const applied = await database.migrate(await allMigrations());
    return { database, applied, close: () => closers.close() };
  } catch (error) {
    await closers.close().catch(() => undefined);
    throw explainDatabase(error, config);
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
function explainDatabase(error: unknown, { database, dataDir }: Pick<Config, 'database' | 'dataDir'>): unknown {
  if (error instanceof StartupError || error instanceof ConfigurationError) return error;
  if (database.kind === 'sqlite') return explainEmbedded(error, dataDir);
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
  if (code === '25006') {
    return new StartupError(
      `DATABASE_URL: PostgreSQL at ${where} takes no writes (${said}); name the primary, or let it take writes`,
    );
  }
  if (error instanceof StoreUnavailableError) {
    return new StartupError(
      `DATABASE_URL: PostgreSQL at ${where} can not be reached (${said}); start it, or mend the address`,
    );
  }
  return error;
}
