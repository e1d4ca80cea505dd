import type { SqlQueries } from '@spillway/kernel';
import { kindOf, MINUTE_MS, type SubjectKind } from './roll-up.ts';
import { type Rise, RULE, suddenRise } from './sudden.ts';

/** Windows that the last one is compared with, at most. */
export const BASELINE_WINDOWS = 12;
/** With fewer there is nothing to compare with. */
const LEAST_WINDOWS = 3;
/** Subjects looked at: those that asked most in the last window (G7). */
const MOST_SUBJECTS = 1_000;

export interface Change extends Rise {
  readonly subject: string;
  /** In the last window, as the next. */
  readonly requests: number;
  readonly limited: number;
}

export interface ChangeQuery {
  readonly by: SubjectKind;
  /** Whole minutes. */
  readonly windowMs: number;
  /** Where the last window ends, a whole minute. */
  readonly toMs: number;
  readonly limit: number;
}

export interface Changes {
  /** How many windows the last one was compared with; with 0 the log is too young to tell. */
  readonly windows: number;
  /** The highest score first. */
  readonly changes: readonly Change[];
}

interface Row {
  readonly subject: string;
  /** How many windows ago, the last being 0; -1 in the row that holds the log's first minute, as `requests`. */
  readonly ago: number;
  readonly requests: number;
  readonly recorded: number;
  readonly limited: number;
}

/** Whose rate rose suddenly; `sudden.ts` has the rule. Cost: one pass over the minutes of the last window, and of those subjects before it. */
export async function readChanges(sql: SqlQueries, query: ChangeQuery): Promise<Changes> {
  const width = query.windowMs / MINUTE_MS;
  const end = query.toMs / MINUTE_MS;
  const { rows } = await sql.query<Row>(
    `WITH busiest AS MATERIALIZED (
       SELECT subject FROM request_minutes WHERE kind = $1 AND step >= $2 AND step < $3
       GROUP BY subject HAVING sum(requests) >= ${RULE.requests} ORDER BY sum(requests) DESC, subject LIMIT ${MOST_SUBJECTS}
     )
     SELECT '' AS subject, -1 AS ago, CAST(coalesce(min(step), CAST($3 AS INTEGER)) AS BIGINT) AS requests, 0 AS recorded, 0 AS limited
     FROM request_minutes WHERE kind = $1
     UNION ALL
     SELECT subject, (CAST($3 AS INTEGER) - 1 - step) / CAST($5 AS INTEGER) AS ago, CAST(sum(requests) AS BIGINT),
       CAST(sum(recorded) AS BIGINT), CAST(sum(limited) AS BIGINT)
     FROM request_minutes WHERE kind = $1 AND step >= $4 AND step < $3 AND subject IN (SELECT subject FROM busiest)
     GROUP BY subject, ago`,
    [kindOf(query.by), end - width, end, end - (BASELINE_WINDOWS + 1) * width, width],
  );
  const firstMinute = Number(rows.find(({ ago }) => Number(ago) === -1)?.requests ?? end);
  // Before its first minute the log is silent, which says nothing.
  const windows = Math.min(BASELINE_WINDOWS, Math.floor((end - width - firstMinute) / width));
  if (windows < LEAST_WINDOWS) return { windows: 0, changes: [] };
  const changes = [...bySubject(rows)].flatMap(([subject, counts]) => toChange(subject, counts, windows) ?? []);
  changes.sort((a, b) => b.score - a.score || (a.subject < b.subject ? -1 : 1));
  return { windows, changes: changes.slice(0, query.limit) };
}

function bySubject(rows: readonly Row[]): Map<string, Row[]> {
  const subjects = new Map<string, Row[]>();
  for (const row of rows) {
    if (Number(row.ago) === -1) continue;
    const known = subjects.get(row.subject);
    if (known === undefined) subjects.set(row.subject, [row]);
    else known.push(row);
  }
  return subjects;
}

function toChange(subject: string, rows: readonly Row[], windows: number): Change | undefined {
  const counts = new Array<number>(windows + 1).fill(0);
  let [requests, recorded] = [0, 0];
  for (const row of rows) {
    const ago = Number(row.ago);
    if (ago <= windows) counts[ago] = Number(row.requests);
    requests += Number(row.requests);
    recorded += Number(row.recorded);
  }
  const [last = 0, ...before] = counts;
  const rise = suddenRise(last, before, requests / Math.max(1, recorded));
  if (rise === undefined) return undefined;
  const limited = Number(rows.find(({ ago }) => Number(ago) === 0)?.limited ?? 0);
  return { subject, requests: last, limited, ...rise };
}
