import { DatabaseSync } from 'node:sqlite';
import type { SqlRunner } from '@spillway/kernel';
import { postgresRunner } from '@spillway/kernel/postgres';
import { sqliteRunner } from '@spillway/kernel/sqlite';
import { createDatabaseIn } from '@spillway/testkit';
import pg from 'pg';
import type { WriteEvents } from '../../src/sink/write-events.ts';
import { eventMigrations } from '../../src/sql/index.ts';

/** What the tests publish: who, and the how manieth of theirs. */
export interface Click {
  readonly who: string;
  readonly n: number;
}

export interface TestSql {
  readonly sql: SqlRunner;
  /** What was counted, in the order of commits, per publisher. */
  counted(): Promise<Map<string, number[]>>;
  close(): Promise<void>;
}

export async function openSqlite(): Promise<TestSql> {
  const database = new DatabaseSync(':memory:');
  return prepare(sqliteRunner(database), async () => database.close());
}

export interface TestPostgres extends TestSql {
  readonly url: string;
}

/** A new database on this server. `queryTimeoutMs`: as an app's pool has it. */
export async function openPostgresAt(serverUrl: string, queryTimeoutMs = 2_000): Promise<TestPostgres> {
  const database = await createDatabaseIn(serverUrl);
  const pool = openPool(database.url, queryTimeoutMs);
  const opened = await prepare(postgresRunner(pool), async () => {
    await pool.end();
    await database.drop();
  });
  return { ...opened, url: database.url };
}

export function openPool(url: string, queryTimeoutMs = 2_000): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    connectionTimeoutMillis: 1_000,
    query_timeout: queryTimeoutMs,
    max: 5,
  });
  // A connection that dies while idle is replaced by the next.
  pool.on('error', () => {});
  return pool;
}

async function prepare(sql: SqlRunner, close: () => Promise<void>): Promise<TestSql> {
  for (const { up } of eventMigrations) for (const statement of up[sql.dialect]) await sql.query(statement);
  const id =
    sql.dialect === 'postgres' ? 'id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY' : 'id INTEGER PRIMARY KEY';
  await sql.query(`CREATE TABLE clicks (${id}, who TEXT NOT NULL, n INTEGER NOT NULL CHECK (n >= 0))`);
  await sql.query('CREATE TABLE totals (who TEXT PRIMARY KEY, clicks INTEGER NOT NULL)');
  return { sql, counted: () => countedIn(sql), close };
}

/** @throws {Error} when rows and roll-ups differ: they are of one transaction, and read in one statement. */
export async function countedIn(sql: SqlRunner): Promise<Map<string, number[]>> {
  const { rows } = await sql.query<{ who: string; n: number; clicks: number }>(
    'SELECT clicks.who AS who, clicks.n AS n, totals.clicks AS clicks FROM clicks LEFT JOIN totals USING (who) ORDER BY clicks.id',
  );
  const counted = new Map<string, number[]>();
  for (const [who, mine] of Map.groupBy(rows, (row) => row.who)) {
    if (mine.length !== mine[0]?.clicks)
      throw new Error(`${who}: ${mine.length} rows, ${mine[0]?.clicks} in the roll-up`);
    counted.set(
      who,
      mine.map(({ n }) => n),
    );
  }
  return counted;
}

/** Rows and a roll-up, as an app has them. */
export const writeClicks: WriteEvents<Click> = async (transaction, events) => {
  const values = events.flatMap(({ who, n }) => [who, n]);
  for (let at = 0; at < values.length; at += 1_000) {
    const part = values.slice(at, at + 1_000);
    const tuples = Array.from({ length: part.length / 2 }, (_, index) => `($${2 * index + 1}, $${2 * index + 2})`);
    await transaction.query(`INSERT INTO clicks (who, n) VALUES ${tuples.join(', ')}`, part);
  }
  const totals = [...Map.groupBy(events, ({ who }) => who)].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [who, mine] of totals) {
    await transaction.query(
      'INSERT INTO totals VALUES ($1, $2) ON CONFLICT (who) DO UPDATE SET clicks = totals.clicks + excluded.clicks',
      [who, mine.length],
    );
  }
};
