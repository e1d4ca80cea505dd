import type { SqlQueries } from '@spillway/kernel';
import { textArray } from './binary-array.ts';
import { DAY_MS } from './roll-up.ts';

/** A table whose rows have a time `at`, in milliseconds, and which is partitioned by it. */
export interface PartitionedTable {
  readonly name: 'clicks' | 'requests';
  /** Every instance that makes partitions takes this advisory lock first. Any number will do that nothing else here uses. */
  readonly lock: number;
}

/** "clicks" in ASCII. */
export const CLICK_PARTITIONS: PartitionedTable = { name: 'clicks', lock: 0x636c_6963_6b73 };
/** Days known to have a partition; beyond it all are forgotten and looked up again (G7). */
const MAX_KNOWN = 10_000;

export interface Partitions {
  /** Makes the missing partitions of these times' days, inside the transaction. */
  ensure(transaction: SqlQueries, timesMs: Iterable<number>): Promise<void>;
  /** To be called when a write failed: what was believed known may have been rolled back or dropped. */
  forget(): void;
}

/**
 * Partitions by UTC day, made on demand and one day ahead. A table is made aside and then attached: that takes a lock on
 * the whole which neither readers nor writers notice, where `CREATE TABLE ... PARTITION OF` would stop both. There is no default
 * partition, since attaching would have to search it through each time.
 *
 * Between two that need the same day an advisory lock decides; the second finds it made. A day counts as known only when it
 * was found made before this transaction touched it, since the transaction may still be rolled back.
 */
export function createPartitions(table: PartitionedTable): Partitions {
  const known = new Set<number>();
  return {
    async ensure(transaction, timesMs) {
      const days = new Set<number>();
      for (const timeMs of timesMs) days.add(Math.floor(timeMs / DAY_MS));
      if ([...days].every((day) => known.has(day))) return;
      for (const day of [...days]) days.add(day + 1);
      const wanted = [...days].sort((a, b) => a - b);
      const missing = await missingOf(table, transaction, wanted, known);
      if (missing.length === 0) return;
      await transaction.query('SELECT pg_advisory_xact_lock($1)', [table.lock]);
      for (const day of await missingOf(table, transaction, missing, undefined)) await attach(table, transaction, day);
    },
    forget: () => known.clear(),
  };
}

/** Asks the catalogue's tables and not `to_regclass`, whose cache does not notice what another has made while we waited. */
async function missingOf(
  table: PartitionedTable,
  sql: SqlQueries,
  days: readonly number[],
  known: Set<number> | undefined,
): Promise<number[]> {
  const nameOf = (day: number) => partitionName(table, day);
  const { rows } = await sql.query<{ name: string }>(
    `SELECT relname::text AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
     WHERE inhparent = '${table.name}'::regclass AND relname = ANY ($1::text[])`,
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

const partitionName = ({ name }: PartitionedTable, day: number): string => `${name}_d${day}`;

/** `day` is an integer, so it may stand in the text: DDL takes no parameters. */
async function attach(table: PartitionedTable, sql: SqlQueries, day: number): Promise<void> {
  const name = partitionName(table, day);
  await sql.query(`CREATE TABLE ${name} (LIKE ${table.name} INCLUDING DEFAULTS)`);
  await sql.query(
    `ALTER TABLE ${table.name} ATTACH PARTITION ${name} FOR VALUES FROM (${day * DAY_MS}) TO (${(day + 1) * DAY_MS})`,
  );
}
