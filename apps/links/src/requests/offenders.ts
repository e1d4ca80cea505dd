import type { SqlQueries } from '@spillway/kernel';
import { HOUR_MS } from '../clicks/roll-up.ts';
import { COUNTS, kindOf, MINUTE_MS, type SubjectKind } from './roll-up.ts';

/** What one key or client did. All but `recorded` are weighed: a sampled request counts as all that it stands for. */
export interface Offender {
  /** A key's id, or a client's hash. */
  readonly subject: string;
  readonly requests: number;
  readonly limited: number;
  readonly limitedShare: number;
  readonly notFound: number;
  readonly unauthorized: number;
  readonly refused: number;
  readonly failed: number;
  readonly cost: number;
  /** Checks of other programs' limits that were answered with a refusal. */
  readonly denied: number;
  /** Rows of the log behind these figures. */
  readonly recorded: number;
}

export interface OffenderQuery {
  readonly by: SubjectKind;
  /** Whole minutes. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly route?: string | undefined;
  /** Of each list. */
  readonly limit: number;
}

export interface Offenders {
  /** Those that were limited at all, the most often limited first. */
  readonly mostLimited: readonly Offender[];
  readonly mostRequests: readonly Offender[];
  /** Those that asked at all for what is not there, or not theirs (404, 410, 401, 403): whoever guesses codes, keys or passwords. */
  readonly mostMisses: readonly Offender[];
}

type Row = { readonly list: keyof Offenders; readonly subject: string } & Record<(typeof COUNTS)[number], number>;

/**
 * Who asked most, who was limited most, and who missed most. Whole hours come from their roll-up, what the range cuts off from that of minutes; one
 * statement, hence one snapshot. Cost: one pass over the roll-up rows of the range.
 */
export async function readOffenders(sql: SqlQueries, query: OffenderQuery): Promise<Offenders> {
  const { rows } = await sql.query<Row>(textOf(query), valuesOf(query));
  const list = (name: keyof Offenders) => rows.filter((row) => row.list === name).map(toOffender);
  return {
    mostLimited: list('mostLimited'),
    mostRequests: list('mostRequests'),
    mostMisses: list('mostMisses'),
  };
}

function valuesOf({ by, fromMs, toMs, route, limit }: OffenderQuery): (string | number)[] {
  const firstHour = Math.ceil(fromMs / HOUR_MS);
  // None when the range lies within one hour.
  const endHour = Math.max(firstHour, Math.floor(toMs / HOUR_MS));
  const minutes = [Math.floor(fromMs / MINUTE_MS), Math.ceil(toMs / MINUTE_MS)];
  return [kindOf(by), firstHour, endHour, ...minutes, limit, ...(route === undefined ? [] : [route])];
}

function textOf({ route }: OffenderQuery): string {
  const columns = COUNTS.join(', ');
  const onRoute = route === undefined ? '' : 'AND route = $7';
  // Not one of these is text from outside.
  const top = (name: keyof Offenders, which: string, order: string) =>
    `SELECT * FROM (SELECT '${name}' AS list, subject, ${columns} FROM sums ${which} ORDER BY ${order}, subject LIMIT $6) AS ${name}`;
  return `
    WITH parts AS (
      SELECT subject, ${columns} FROM request_hours WHERE kind = $1 AND step >= $2 AND step < $3 ${onRoute}
      UNION ALL
      SELECT subject, ${columns} FROM request_minutes
      WHERE kind = $1 AND step >= $4 AND step < $5 AND (step < CAST($2 AS INTEGER) * 60 OR step >= CAST($3 AS INTEGER) * 60) ${onRoute}
    ), sums AS MATERIALIZED (
      SELECT subject, ${COUNTS.map((name) => `CAST(sum(${name}) AS BIGINT) AS ${name}`).join(', ')}
      FROM parts GROUP BY subject
    )
    ${top('mostLimited', 'WHERE limited > 0', 'limited DESC, requests DESC')}
    UNION ALL
    ${top('mostRequests', '', 'requests DESC, limited DESC')}
    UNION ALL
    ${top('mostMisses', 'WHERE not_found + unauthorized > 0', 'not_found + unauthorized DESC, requests DESC')}`;
}

function toOffender(row: Row): Offender {
  const [requests, limited] = [Number(row.requests), Number(row.limited)];
  return {
    subject: row.subject,
    requests,
    limited,
    limitedShare: requests === 0 ? 0 : limited / requests,
    notFound: Number(row.not_found),
    unauthorized: Number(row.unauthorized),
    refused: Number(row.refused),
    failed: Number(row.failed),
    cost: Number(row.cost),
    denied: Number(row.denied),
    recorded: Number(row.recorded),
  };
}
