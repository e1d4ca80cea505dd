import type { SqlQueries, SqlRunner } from '@spillway/kernel';
import { build, execute } from '../sql/builder.ts';
import type { Database } from '../sql/database.ts';
import { prepared } from '../sql/postgres/prepared.ts';
import type { LinksTable } from '../sql/tables.ts';
import { cacheKey } from './cache-key.ts';
import type { Domains } from './domains.ts';
import { findForRedirect } from './find-for-redirect.ts';
import { CodesTakenError, type InsertContext, insertLinks } from './insert-links.ts';
import type { Link, LinkAddress } from './link.ts';
import { type LinkRow, linkColumns, searchText, toLink, toRow } from './link-rows.ts';
import type { Changed, LinkChange, LinkStore, NewLinkRow } from './link-store.ts';
import { listLinks } from './list-links.ts';
import { createTurns } from './turns.ts';

const USE_CLICK = prepared(
  'links_use_click',
  // Without a number it leads on: a cache may still take the link for one that has one.
  'UPDATE links SET used_clicks = used_clicks + 1 WHERE id = $1 AND (max_clicks IS NULL OR used_clicks < max_clicks)',
);

/** Links whose clicks are taken at the same time, and visits that may wait for that. */
const CLICKS_AT_ONCE = 3;
const CLICKS_QUEUED = 500;

/** How often a generated code may meet an alias before this is a fault and not chance. */
const MAX_SKIPS = 20;

/** Rows deleted at a time, so that no transaction holds many. */
const FORGET_AT_ONCE = 5_000;

/** @param lookUps queries at a time that look links up for redirects */
export function createLinkStore(
  database: Pick<Database, 'sql' | 'reports'>,
  domains: Domains,
  lookUps: number,
): LinkStore {
  const { sql } = database;
  const turns = createTurns({
    name: 'The queue of limited clicks',
    concurrent: CLICKS_AT_ONCE,
    queued: CLICKS_QUEUED,
  });
  return {
    async insert(rows, nextCode) {
      const context: InsertContext = { keyOf: (link) => cacheKey(link, domains) };
      let attempt = rows;
      for (let skips = 0; skips <= MAX_SKIPS; skips += 1) {
        try {
          return await sql.transaction((transaction) => insertLinks(transaction, attempt, context));
        } catch (error) {
          if (!(error instanceof CodesTakenError)) throw error;
          attempt = await withNextCodes(attempt, error.rows, nextCode);
        }
      }
      throw new Error(`Generated codes met aliases ${MAX_SKIPS} times in a row`);
    },
    find: (address) => findLink(sql, address),
    findForRedirect: findForRedirect(sql, lookUps),
    async findById(id) {
      const { rows } = await execute<LinkRow>(sql, build.selectFrom('links').select(linkColumns).where('id', '=', id));
      return rows[0] === undefined ? undefined : toLink(rows[0]);
    },
    update: (address, change, nowMs) =>
      sql.transaction((transaction) => updateLink(transaction, address, change, { nowMs, domains })),
    remove: (address, nowMs) =>
      sql.transaction(async (transaction) => {
        const { rows } = await execute<LinkRow>(
          transaction,
          build
            .deleteFrom('links')
            .where('domain_id', '=', address.domainId)
            .where('code', '=', address.code)
            .returning(linkColumns),
        );
        if (rows[0] === undefined) return { result: undefined, seqs: [] };
        return { result: toLink(rows[0]), seqs: await tellChange(transaction, cacheKey(address, domains), nowMs) };
      }),
    useClick: (id) =>
      turns.run(String(id), async () => ((await sql.query(USE_CLICK, [id])).rowCount === 1 ? 'granted' : 'used-up')),
    list: (query) => listLinks(database.reports, query),
    async count() {
      const { rows } = await database.reports.query<{ links: number }>('SELECT COUNT(*) AS links FROM links');
      return rows[0]?.links ?? 0;
    },
    forgetOld: (beforeMs) => forgetOld(sql, beforeMs),
  };
}

function withNextCodes(
  rows: readonly NewLinkRow[],
  taken: ReadonlySet<NewLinkRow>,
  nextCode: () => Promise<string>,
): Promise<readonly NewLinkRow[]> {
  const renamed = async (row: NewLinkRow) => ({ ...row, link: { ...row.link, code: await nextCode() } });
  return Promise.all(rows.map((row) => (taken.has(row) ? renamed(row) : row)));
}

async function findLink(on: SqlQueries, { domainId, code }: LinkAddress): Promise<Link | undefined> {
  const query = build
    .selectFrom('links')
    .select(linkColumns)
    .where('domain_id', '=', domainId)
    .where('code', '=', code);
  const { rows } = await execute<LinkRow>(on, query);
  return rows[0] === undefined ? undefined : toLink(rows[0]);
}

async function updateLink(
  on: SqlQueries,
  address: LinkAddress,
  change: LinkChange,
  { nowMs, domains }: { nowMs: number; domains: Domains },
): Promise<Changed<Link | undefined>> {
  // Locked first, so that two changes of different fields do not write each other's old values into `search`.
  const lock = build
    .updateTable('links')
    .set({ updated_at: nowMs })
    .where('domain_id', '=', address.domainId)
    .where('code', '=', address.code)
    .returning(linkColumns);
  const row = (await execute<LinkRow>(on, lock)).rows[0];
  if (row === undefined) return { result: undefined, seqs: [] };
  const before = toLink(row);
  // A new allowance counts from now on.
  const usedClicks = 'maxClicks' in change && change.maxClicks !== before.maxClicks ? 0 : before.usedClicks;
  const link: Link = { ...before, ...change, usedClicks, updatedAtMs: nowMs };
  const { id, ...values } = toRow(link);
  await execute(
    on,
    build
      .updateTable('links')
      .set({ ...values, search: searchText(link) } satisfies Omit<LinksTable, 'id'>)
      .where('id', '=', id),
  );
  if (change.tags !== undefined) {
    await execute(on, build.deleteFrom('link_tags').where('link_id', '=', id));
    for (const tag of change.tags) await execute(on, build.insertInto('link_tags').values({ tag, link_id: id }));
  }
  return { result: link, seqs: await tellChange(on, cacheKey(address, domains), nowMs) };
}

async function tellChange(on: SqlQueries, key: string, nowMs: number): Promise<readonly number[]> {
  const insert = build.insertInto('changes').values({ key, changed_at: nowMs }).returning('seq');
  return (await execute<{ seq: number }>(on, insert)).rows.map(({ seq }) => seq);
}

async function forgetOld(sql: SqlRunner, beforeMs: number): Promise<void> {
  const statements = [
    `DELETE FROM changes WHERE seq IN (SELECT seq FROM changes WHERE changed_at < $1 ORDER BY seq LIMIT ${FORGET_AT_ONCE})`,
    `DELETE FROM idempotency_keys WHERE (owner, key) IN (SELECT owner, key FROM idempotency_keys WHERE created_at < $1 LIMIT ${FORGET_AT_ONCE})`,
  ];
  for (const statement of statements) {
    while ((await sql.query(statement, [beforeMs])).rowCount >= FORGET_AT_ONCE);
  }
}
