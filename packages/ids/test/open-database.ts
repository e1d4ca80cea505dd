import { DatabaseSync } from 'node:sqlite';
import type { SqlRunner } from '@spillway/kernel';
import { postgresRunner } from '@spillway/kernel/postgres';
import { sqliteRunner } from '@spillway/kernel/sqlite';
import { createDatabaseIn } from '@spillway/testkit';
import pg from 'pg';
import { idMigrations } from '../src/sql/index.ts';

export interface OpenDatabase {
  readonly sql: SqlRunner;
  readonly url: string;
  close(): Promise<void>;
}

export async function migrate(sql: SqlRunner): Promise<void> {
  for (const { up } of idMigrations) for (const statement of up[sql.dialect]) await sql.query(statement);
}

/** A pool as an app would make it: with deadlines, and deaf to connections that die while idle. */
export function openPool(url: string, max = 5): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max, connectionTimeoutMillis: 2_000, query_timeout: 2_000 });
  pool.on('error', () => undefined);
  return pool;
}

/** A database of one's own in a running PostgreSQL, migrated. */
export async function openPostgres(serverUrl: string): Promise<OpenDatabase> {
  const database = await createDatabaseIn(serverUrl);
  const pool = openPool(database.url);
  const sql = postgresRunner(pool);
  await migrate(sql);
  return {
    sql,
    url: database.url,
    async close() {
      await pool.end();
      await database.drop();
    },
  };
}

/** As an app would open its file: one writer, durable at every commit. */
export function openSqliteFile(file: string): SqlRunner {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
  return sqliteRunner(database);
}

export async function openSqlite(file = ':memory:'): Promise<OpenDatabase> {
  const database = new DatabaseSync(file);
  const sql = sqliteRunner(database);
  await migrate(sql);
  return { sql, url: file, close: async () => database.close() };
}
