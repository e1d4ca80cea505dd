import type { SqlQueries, SqlValue } from '@spillway/kernel';
import type { ClickCursor } from '../clicks/raw-clicks.ts';
import { OUTCOMES, type Outcome, readClient, showClient } from './request.ts';

/** One request as it is shown. */
export interface ListedRequest {
  readonly atMs: number;
  readonly key: string | null;
  readonly client: string;
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly outcome: Outcome;
  readonly policy: string | null;
  readonly cost: number;
  readonly weight: number;
}

export interface RequestFilter {
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  readonly key?: string | undefined;
  /** As it is shown. */
  readonly client?: string | undefined;
  readonly route?: string | undefined;
  readonly outcome?: Outcome | undefined;
}

/** Where a page ended: the next one begins after it. */
export type RequestCursor = ClickCursor;

interface Row {
  readonly id: number;
  readonly at: number;
  readonly key_id: string;
  readonly client: string;
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly outcome: number;
  readonly policy: string;
  readonly cost: number;
  readonly weight: number;
}

/** A page of requests, newest first. Requests that arrive meanwhile do not shift the pages. */
export async function listRequests(
  sql: SqlQueries,
  filter: RequestFilter,
  page: { readonly after?: RequestCursor | undefined; readonly limit: number },
): Promise<{ readonly requests: readonly ListedRequest[]; readonly next: RequestCursor | undefined }> {
  // One more than asked for tells whether there is a next page.
  const { where, values } = conditions(filter, page.after, [page.limit + 1]);
  const { rows } = await sql.query<Row>(
    `SELECT id, at, key_id, CAST(client AS TEXT) AS client, method, route, status, outcome, policy, cost, weight
     FROM requests ${where} ORDER BY at DESC, id DESC LIMIT $1`,
    values,
  );
  const shown = rows.slice(0, page.limit);
  const last = rows.length > page.limit ? shown.at(-1) : undefined;
  return {
    requests: shown.map(toListed),
    next: last === undefined ? undefined : { atMs: Number(last.at), id: Number(last.id) },
  };
}

function conditions(filter: RequestFilter, after: RequestCursor | undefined, values: SqlValue[]) {
  const parts: string[] = [];
  const place = (value: SqlValue) => `$${values.push(value)}`;
  if (filter.fromMs !== undefined) parts.push(`at >= ${place(filter.fromMs)}`);
  if (filter.toMs !== undefined) parts.push(`at < ${place(filter.toMs)}`);
  // The second half is what the index is made for.
  if (filter.key !== undefined) parts.push(`key_id = ${place(filter.key)} AND key_id <> ''`);
  // As text, since a number of 64 bits would lose its last digits on the way.
  if (filter.client !== undefined) parts.push(`client = CAST(${place(String(readClient(filter.client)))} AS BIGINT)`);
  if (filter.route !== undefined) parts.push(`route = ${place(filter.route)}`);
  if (filter.outcome !== undefined) parts.push(`outcome = ${place(OUTCOMES.indexOf(filter.outcome))}`);
  if (after !== undefined) {
    const at = place(after.atMs);
    parts.push(`at <= ${at} AND (at < ${at} OR id < ${place(after.id)})`);
  }
  return { where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, values };
}

function toListed(row: Row): ListedRequest {
  return {
    atMs: Number(row.at),
    key: row.key_id === '' ? null : row.key_id,
    client: showClient(BigInt(row.client)),
    method: row.method,
    route: row.route,
    status: row.status,
    outcome: OUTCOMES[row.outcome] ?? 'failed',
    policy: row.policy === '' ? null : row.policy,
    cost: row.cost,
    weight: row.weight,
  };
}
