import type { SqlDialect, SqlQueries } from '@spillway/kernel';
import { inIntegers, insertJsonOn } from './json-insert.ts';
import type { Link } from './link.ts';
import { type LinkRow, linkColumns, toLink } from './link-rows.ts';
import type { InsertOutcome, NewLinkRow } from './link-store.ts';

const INSERT = insertJsonOn(
  'idempotency_keys',
  [
    ['owner', 'text'],
    ['key', 'text'],
    ['request', 'text'],
    ['link_id', 'bigint'],
    ['created_at', 'bigint'],
  ],
  'owner, key',
);

/** The keys of `$1`, a JSON array of `{ owner, key }`. */
const wanted = (dialect: SqlDialect) =>
  dialect === 'postgres'
    ? '(owner, key) IN (SELECT owner, key FROM jsonb_to_recordset($1::jsonb) AS row(owner text, key text))'
    : "(owner, key) IN (SELECT value ->> 'owner', value ->> 'key' FROM json_each($1))";

const nameOf = ({ owner, key }: { owner: string; key: string }) => JSON.stringify([owner, key]);

/**
 * Claims the rows' idempotency keys, inside the transaction that inserts their links: the primary key lets one of several
 * attempts in, and the others wait here until it has committed.
 * @returns by row, the outcome of those that were claimed before
 */
export async function claimKeys(
  on: SqlQueries,
  rows: readonly NewLinkRow[],
): Promise<ReadonlyMap<NewLinkRow, InsertOutcome>> {
  const keyed = rows.flatMap((row) => (row.idempotency === undefined ? [] : [{ row, idempotency: row.idempotency }]));
  if (keyed.length === 0) return new Map();
  const values = keyed
    .map(({ row, idempotency }) => ({ ...idempotency, link_id: row.link.id, created_at: row.link.createdAtMs }))
    // One order for everybody, so that two batches can not wait for each other.
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const claimed = await on.query<{ owner: string; key: string }>(INSERT[on.dialect], [JSON.stringify(values)]);
  const mine = new Set(claimed.rows.map(nameOf));
  const others = keyed.filter(({ idempotency }) => !mine.has(nameOf(idempotency)));
  if (others.length === 0) return new Map();

  const before = await on.query<{ owner: string; key: string; request: string; link_id: number }>(
    `SELECT owner, key, request, link_id FROM idempotency_keys WHERE ${wanted(on.dialect)}`,
    [JSON.stringify(others.map(({ idempotency }) => idempotency))],
  );
  const byName = new Map(before.rows.map((row) => [nameOf(row), row]));
  const links = await findByIds(
    on,
    before.rows.map(({ link_id }) => link_id),
  );
  return new Map(
    others.map(({ row, idempotency }): [NewLinkRow, InsertOutcome] => {
      const earlier = byName.get(nameOf(idempotency));
      if (earlier?.request !== idempotency.request) return [row, { outcome: 'key-reused' }];
      const link = links.get(earlier.link_id);
      return [row, link === undefined ? { outcome: 'retry-gone' } : { outcome: 'repeated', link }];
    }),
  );
}

/** Gives back the keys of rows that came to nothing, so that they can be tried again. */
export async function releaseKeys(on: SqlQueries, rows: readonly NewLinkRow[]): Promise<void> {
  const keys = rows.flatMap(({ idempotency }) => (idempotency === undefined ? [] : [idempotency]));
  if (keys.length === 0) return;
  await on.query(`DELETE FROM idempotency_keys WHERE ${wanted(on.dialect)}`, [JSON.stringify(keys)]);
}

async function findByIds(on: SqlQueries, ids: readonly number[]): Promise<ReadonlyMap<number, Link>> {
  const { rows } = await on.query<LinkRow>(
    `SELECT ${linkColumns.join(', ')} FROM links WHERE id ${inIntegers(on.dialect, '$1')}`,
    [JSON.stringify(ids)],
  );
  return new Map(rows.map((row) => [row.id, toLink(row)]));
}
