import type { Migration, SqlQueries, SqlRunner } from '@spillway/kernel';
import { StartupError } from '../startup-error.ts';

/** The lock that instances take in turn while they migrate; any constant that nobody else uses. */
const ADVISORY_LOCK = 7_745_923_001;
const OLDEST_POSTGRES = 140_000;

const TABLE = `CREATE TABLE IF NOT EXISTS spillway_migrations (
  id TEXT PRIMARY KEY,
  applied_at BIGINT NOT NULL
)`;

/**
 * Runs what has not run yet, in the order given, all in one transaction: a program that dies half-way leaves nothing half
 * done, and of many instances that start at once one does the work while the others wait.
 * @returns the ids that were applied now
 * @throws {StartupError} when the server is too old, or the database was made by a newer program
 */
export async function migrate(sql: SqlRunner, migrations: readonly Migration[]): Promise<readonly string[]> {
  if (sql.dialect === 'postgres') await checkServer(sql);
  return sql.transaction(async (transaction) => {
    if (sql.dialect === 'postgres') {
      await transaction.query("SET LOCAL client_min_messages = 'warning'");
      await transaction.query('SELECT pg_advisory_xact_lock($1)', [ADVISORY_LOCK]);
    }
    await transaction.query(TABLE);
    return apply(transaction, migrations);
  });
}

async function apply(transaction: SqlQueries, migrations: readonly Migration[]): Promise<readonly string[]> {
  const { rows } = await transaction.query<{ id: string }>('SELECT id FROM spillway_migrations ORDER BY id');
  const applied = new Set(rows.map(({ id }) => id));
  const known = new Set(migrations.map(({ id }) => id));
  const unknown = [...applied].filter((id) => !known.has(id));
  if (unknown.length > 0) {
    throw new StartupError(
      `The database was made by a newer version of Spillway (it has "${unknown.join('", "')}"); start that version, or restore an older backup`,
    );
  }
  const pending = migrations.filter(({ id }) => !applied.has(id));
  for (const { id, up } of pending) {
    for (const statement of up[transaction.dialect]) await transaction.query(statement);
    await transaction.query('INSERT INTO spillway_migrations (id, applied_at) VALUES ($1, $2)', [id, Date.now()]);
  }
  return pending.map(({ id }) => id);
}

async function checkServer(sql: SqlRunner): Promise<void> {
  const { rows } = await sql.query<{ server_version_num: string }>('SHOW server_version_num');
  refuseOldServer(Number(rows[0]?.server_version_num));
}

/** @throws {StartupError} when `version` (`server_version_num`, e.g. 150004) is older than PostgreSQL 14 */
export function refuseOldServer(version: number): void {
  if (version >= OLDEST_POSTGRES) return;
  const shown = `${Math.floor(version / 10_000)}.${version % 10_000}`;
  throw new StartupError(`DATABASE_URL: PostgreSQL ${shown} is too old; Spillway needs 14 or newer`);
}
