import type { SqlQueries } from '@spillway/kernel';
import { prepared } from '../sql/postgres/prepared.ts';
import { batchLookUps } from './batch-look-ups.ts';
import type { LinkAddress } from './link.ts';
import type { RedirectRow } from './link-store.ts';

/** Look-ups that one query answers. */
export const LOOK_UPS_PER_QUERY = 50;

const find = (among: string) =>
  `SELECT code, id, url, status, expires_at, max_clicks, used_clicks, password_hash FROM links WHERE domain_id = $1 AND code ${among}`;
const FIND = {
  // An array rather than a join, which a plan made while the table was small would answer by reading all of it.
  postgres: prepared('links_redirect', find('= ANY(ARRAY(SELECT json_array_elements_text($2::json)))')),
  sqlite: find('IN (SELECT value FROM json_each($2))'),
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
      const { rows } = await sql.query<RedirectRow & { readonly code: string }>(FIND[sql.dialect], values);
      if (addresses.length === 1) return [rows[0]];
      const found = new Map(rows.map((row) => [row.code, row]));
      return codes.map((code) => found.get(code));
    },
  });
}
