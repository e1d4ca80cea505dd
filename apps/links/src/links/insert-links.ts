import type { SqlQueries } from '@spillway/kernel';
import { claimKeys, releaseKeys } from './claim-keys.ts';
import { insertJsonOn } from './json-insert.ts';
import type { Link } from './link.ts';
import { toRow } from './link-rows.ts';
import type { Changed, InsertOutcome, NewLinkRow } from './link-store.ts';

const INSERT_LINKS = insertJsonOn(
  'links',
  [
    ['id', 'bigint'],
    ['domain_id', 'integer'],
    ['code', 'text'],
    ['generated', 'smallint'],
    ['url', 'text'],
    ['title', 'text'],
    ['status', 'smallint'],
    ['tags', 'text'],
    ['created_at', 'bigint'],
    ['updated_at', 'bigint'],
    ['expires_at', 'bigint'],
    ['max_clicks', 'bigint'],
    ['used_clicks', 'bigint'],
    ['password_hash', 'text'],
    ['created_by', 'text'],
    ['search', 'text'],
  ],
  'id',
);

const INSERT_TAGS = insertJsonOn('link_tags', [
  ['tag', 'text'],
  ['link_id', 'bigint'],
]);

const INSERT_CHANGES = insertJsonOn(
  'changes',
  [
    ['key', 'text'],
    ['changed_at', 'bigint'],
  ],
  'seq',
);

/** Generated codes that an alias has. Ends the transaction: a new code may need a new block of ids, hence the writer. */
export class CodesTakenError extends Error {
  override readonly name = 'CodesTakenError';
  readonly rows: ReadonlySet<NewLinkRow>;

  constructor(rows: ReadonlySet<NewLinkRow>) {
    super(`${rows.size} generated code(s) are aliases already`);
    this.rows = rows;
  }
}

export interface InsertContext {
  readonly keyOf: (link: Link) => string;
}

/**
 * Creates links, one or a thousand, in the same few statements, inside the caller's transaction. Everything is decided by
 * unique indexes and ON CONFLICT: nothing is looked up before it is inserted.
 * @throws {CodesTakenError} when some need another code; nothing is to be committed then
 */
export async function insertLinks(
  on: SqlQueries,
  rows: readonly NewLinkRow[],
  context: InsertContext,
): Promise<Changed<readonly InsertOutcome[]>> {
  const outcomes = new Map<NewLinkRow, InsertOutcome>(await claimKeys(on, rows));
  for (const row of rows) {
    const { expiresAtMs = Number.POSITIVE_INFINITY, createdAtMs } = row.link;
    if (!outcomes.has(row) && expiresAtMs <= createdAtMs) outcomes.set(row, { outcome: 'expired' });
  }
  const pending = rows.filter((row) => !outcomes.has(row));
  const inserted = await insertRows(on, firstOfEachCode(pending.map(({ link }) => link)));
  const created: Link[] = [];
  const taken = new Set<NewLinkRow>();
  for (const row of pending) {
    const { link } = row;
    if (inserted.has(link.id)) {
      created.push(link);
      outcomes.set(row, { outcome: 'created', link });
    } else if (link.codeFrom === 'alias') outcomes.set(row, { outcome: 'alias-taken' });
    else taken.add(row);
  }
  if (taken.size > 0) throw new CodesTakenError(taken);
  await releaseKeys(
    on,
    rows.filter((row) => ['alias-taken', 'expired'].includes(outcomes.get(row)?.outcome ?? '')),
  );
  const seqs = await insertTagsAndChanges(on, created, context);
  return { result: rows.map((row) => outcomes.get(row) ?? { outcome: 'alias-taken' }), seqs };
}

/** Ids of the links that were inserted. In the order of their codes, so that two batches can not wait for each other. */
async function insertRows(on: SqlQueries, links: readonly Link[]): Promise<ReadonlySet<number>> {
  if (links.length === 0) return new Set();
  const sorted = links.toSorted((a, b) => a.domainId - b.domainId || (a.code < b.code ? -1 : 1));
  const { rows } = await on.query<{ id: number }>(INSERT_LINKS[on.dialect], [JSON.stringify(sorted.map(toRow))]);
  return new Set(rows.map(({ id }) => id));
}

/** Of several that want the same code, the first one goes. */
function firstOfEachCode(links: readonly Link[]): readonly Link[] {
  const seen = new Set<string>();
  return links.filter(({ domainId, code }) => {
    const name = `${domainId}/${code}`;
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}

/** Returns the numbers of the changes. */
async function insertTagsAndChanges(
  on: SqlQueries,
  links: readonly Link[],
  { keyOf }: InsertContext,
): Promise<readonly number[]> {
  if (links.length === 0) return [];
  const tags = links.flatMap((link) => link.tags.map((tag) => ({ tag, link_id: link.id })));
  if (tags.length > 0) await on.query(INSERT_TAGS[on.dialect], [JSON.stringify(tags)]);
  const changes = links.map((link) => ({ key: keyOf(link), changed_at: link.updatedAtMs }));
  const { rows } = await on.query<{ seq: number }>(INSERT_CHANGES[on.dialect], [JSON.stringify(changes)]);
  return rows.map(({ seq }) => seq);
}
