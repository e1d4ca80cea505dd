import type { SqlQueries } from '@spillway/kernel';
import { prepared } from '../sql/postgres/prepared.ts';
import { batchLookUps } from './batch-look-ups.ts';
import type { LinkAddress } from './link.ts';
import type { RedirectRow } from './link-store.ts';

/** Look-ups that one query answers. */
export const LOOK_UPS_PER_QUERY = 50;

const COLUMNS = 'code, id, url, status, expires_at, max_clicks, used_clicks, password_hash';
/** By dialect; the domain is the first value, the codes as a JSON array the second. */
export const FIND_FOR_REDIRECT = {
  // One look into the index for each code, whatever the planner knows of the table: the plan of a prepared statement may be older than
  // most of its rows. The OFFSET keeps the sub-query apart.
  postgres: prepared(
    'links_redirect',
    `SELECT link.* FROM json_array_elements_text($2::json) AS wanted (code), LATERAL (
       SELECT ${COLUMNS} FROM links WHERE domain_id = $1 AND code = wanted.code COLLATE "C" OFFSET 0) AS link`,
  ),
  sqlite: `SELECT ${COLUMNS} FROM links WHERE domain_id = $1 AND code IN (SELECT value FROM json_each($2))`,
};

/** Looks links up for redirects, several in one query, at most `concurrent` queries at a time. */
export function findForRedirect(
  sql: SqlQueries,
  concurrent: number,
): (address: LinkAddress) => Promise<RedirectRow | undefined> {
  return batchLookUps<LinkAddress, RedirectRow>({
    concurrent,
    most: LOOK_UPS_PER_QUERY,
    groupOf: ({ domainId }) => domainId,
    async ask(addresses) {
      const codes = addresses.map(({ code }) => code);
      const values = [addresses[0]?.domainId ?? 0, JSON.stringify(codes)];
      const { rows } = await sql.query<RedirectRow & { readonly code: string }>(FIND_FOR_REDIRECT[sql.dialect], values);
      if (addresses.length === 1) return [rows[0]];
      const found = new Map(rows.map((row) => [row.code, row]));
      return codes.map((code) => found.get(code));
    },
  });
}
