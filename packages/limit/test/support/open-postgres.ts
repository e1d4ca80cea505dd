import type { SqlRunner } from '@spillway/kernel';
import { postgresRunner } from '@spillway/kernel/postgres';
import { limitMigrations } from '@spillway/limit/postgres';
import type { StoredKey } from '@spillway/limit/testing';
import { createDatabaseIn } from '@spillway/testkit';
import pg from 'pg';

export interface TestPostgres {
  readonly url: string;
  readonly sql: SqlRunner;
  close(): Promise<void>;
}

/** A new database on this server, with the tables of limits. */
export async function openPostgresAt(serverUrl: string): Promise<TestPostgres> {
  const database = await createDatabaseIn(serverUrl);
  const pool = openPool(database.url);
  const sql = postgresRunner(pool);
  for (const { up } of limitMigrations) for (const statement of up.postgres) await sql.query(statement);
  const close = async () => {
    await pool.end();
    await database.drop();
  };
  return { url: database.url, sql, close };
}

export function openPool(url: string, max = 5): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 10_000, max });
  // A connection that dies while idle is replaced by the next.
  pool.on('error', () => {});
  return pool;
}

/** All rows that still mean something at `nowUs`; those that ended are left to who comes next. */
export async function storedRows({ sql }: TestPostgres, nowUs: number): Promise<readonly StoredKey[]> {
  const { rows } = await sql.query<{ name: string; value: string; end_us: string }>(
    `SELECT encode(subject, 'hex') || ':' || policy AS name, kind || ' ' || at_us || ' ' || n || ' ' || blocked_until_us AS value, end_us
     FROM limit_states ORDER BY subject, policy`,
  );
  const kept = rows.map((row) => ({ ...row, ttlMs: (Number(row.end_us) - nowUs) / 1000 }));
  return kept.filter(({ ttlMs }) => ttlMs > 0).map(({ name, value, ttlMs }) => ({ name, value, ttlMs }));
}
