import type { Migration, SqlQueries, SqlRunner } from '@spillway/kernel';
import type { Config } from '../config.ts';
import type { WriteStats } from './sqlite/write-turns.ts';

/** The truth: SQLite in this process's `DATA_DIR`, or PostgreSQL. */
export interface Database {
  /** Fast, small work: links, ids, clicks. On PostgreSQL no statement waits longer than `DATABASE_TIMEOUT`. */
  readonly sql: SqlRunner;
  /** Statistics and exports: read only, on connections of their own, ten times the deadline. Sees what is committed. */
  readonly reports: SqlQueries;
  /**
   * PostgreSQL, for limits, on connections of their own: takes of one key wait for each other, and links for none of them.
   * Undefined on SQLite, whose one process keeps them in memory.
   */
  readonly limits: SqlRunner | undefined;
  /**
   * Brings the schema up to date; instances that start at once take turns. Returns the ids applied now.
   * @throws {StartupError} when the server is too old, or the database belongs to a newer program
   */
  migrate(migrations: readonly Migration[]): Promise<readonly string[]>;
  /** Embedded: writes that wait for their turn, and those refused. Undefined on PostgreSQL, which takes many at a time. */
  readonly writes: (() => WriteStats) | undefined;
  /** `down` while the breaker is open (on SQLite: writes can not get its lock) or SQLite's thread is gone. */
  readonly state: 'up' | 'down';
  /** One cheap round trip, past the breaker. @throws when there is no answer */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the database that the configuration names. The other driver is not loaded. */
export async function openDatabase(config: Pick<Config, 'database' | 'dataDir'>): Promise<Database> {
  if (config.database.kind === 'postgres') {
    const { openPostgres } = await import('./postgres/postgres-database.ts');
    return openPostgres(config.database);
  }
  const { openSqlite } = await import('./sqlite/sqlite-database.ts');
  return openSqlite({ file: `${config.dataDir}/spillway.db` });
}
