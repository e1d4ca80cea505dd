import type { SqlQueries } from '@spillway/kernel';
import { textArray } from './binary-array.ts';
import { DAY_MS } from './roll-up.ts';

// Every instance that makes partitions takes this lock first. Any number will do that nothing else here uses: "clicks" in ASCII.
const LOCK = 0x636c_6963_6b73;
/** Days known to have a partition; beyond it all are forgotten and looked up again (G7). */
const MAX_KNOWN = 10_000;

export interface Partitions {
  /** Makes the missing partitions of these clicks' days, inside the transaction. */
  ensure(transaction: SqlQueries, timesMs: Iterable<number>): Promise<void>;
  /** To be called when a write failed: what was believed known may have been rolled back or dropped. */
  forget(): void;
}

/**
 * Partitions by UTC day, made on demand and one day ahead. A table is made aside and then attached: that takes a lock on
 * `clicks` which neither readers nor writers notice, where `CREATE TABLE ... PARTITION OF` would stop both. There is no default
 * partition, since attaching would have to search it through each time.
 *
 * Between two that need the same day an advisory lock decides; the second finds it made. A day counts as known only when it
 * was found made before this transaction touched it, since the transaction may still be rolled back.
 */
export function createPartitions(): Partitions {
  const known = new Set<number>();
  return {
    async ensure(transaction, timesMs) {
      const days = new Set<number>();
      for (const timeMs of timesMs) days.add(Math.floor(timeMs / DAY_MS));
      if ([...days].every((day) => known.has(day))) return;
      for (const day of [...days]) days.add(day + 1);
      const wanted = [...days].sort((a, b) => a - b);
      const missing = await missingOf(transaction, wanted, known);
      if (missing.length === 0) return;
      await transaction.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
      for (const day of await missingOf(transaction, missing, undefined)) await attach(transaction, day);
    },
    forget: () => known.clear(),
  };
}

/** Asks the catalogue's tables and not `to_regclass`, whose cache does not notice what another has made while we waited. */
async function missingOf(sql: SqlQueries, days: readonly number[], known: Set<number> | undefined): Promise<number[]> {
  const { rows } = await sql.query<{ name: string }>(
    `SELECT relname::text AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
     WHERE inhparent = 'clicks'::regclass AND relname = ANY ($1::text[])`,
    [textArray(days, nameOf)],
  );
  const made = new Set(rows.map(({ name }) => name));
  const missing = days.filter((day) => !made.has(nameOf(day)));
  if (known !== undefined) {
    if (known.size >= MAX_KNOWN) known.clear();
    for (const day of days) if (made.has(nameOf(day))) known.add(day);
  }
  return missing;
}

const nameOf = (day: number): string => `clicks_d${day}`;

/** `day` is an integer, so it may stand in the text: DDL takes no parameters. */
async function attach(sql: SqlQueries, day: number): Promise<void> {
  const name = nameOf(day);
  await sql.query(`CREATE TABLE ${name} (LIKE clicks INCLUDING DEFAULTS)`);
  await sql.query(
    `ALTER TABLE clicks ATTACH PARTITION ${name} FOR VALUES FROM (${day * DAY_MS}) TO (${(day + 1) * DAY_MS})`,
  );
}
