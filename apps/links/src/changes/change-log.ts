import type { SqlDialect, SqlQueries } from '@spillway/kernel';
import { prepared } from '../sql/postgres/prepared.ts';
import type { Gap } from './gaps.ts';

/** One entry of the outbox. `seq` is the order of beginning, not of committing: a lower one may appear after a higher one. */
export interface Change {
  readonly seq: number;
  /** The link's cache key. */
  readonly key: string;
}

/** The outbox `changes`, read. */
export interface ChangeLog {
  since(seq: number, limit: number): Promise<readonly Change[]>;
  /** Those in the gaps and after `seq`, in order. */
  among(gaps: readonly Gap[], seq: number, limit: number): Promise<readonly Change[]>;
  /** 0 when there is none. */
  newest(): Promise<number>;
  /**
   * Those of the cache keys whose links are there now, and redirect without the truth: of these an old copy may stand in where
   * nothing newer is to be had. One with a password or a bound on its clicks is not among them.
   */
  open(keys: readonly string[]): Promise<ReadonlySet<string>>;
}

const SINCE = prepared('changes_since', 'SELECT seq, key FROM changes WHERE seq > $1 ORDER BY seq LIMIT $2');

const among = (source: string) =>
  `SELECT c.seq, c.key FROM (${source}) AS gap JOIN changes AS c ON c.seq BETWEEN gap.low AND gap.high
   WHERE c.seq > $2 ORDER BY c.seq LIMIT $3`;

const AMONG: Readonly<Record<SqlDialect, string>> = {
  postgres: among('SELECT low, high FROM jsonb_to_recordset($1::jsonb) AS row(low bigint, high bigint)'),
  sqlite: among("SELECT value ->> 'low' AS low, value ->> 'high' AS high FROM json_each($1)"),
};

const open = (source: string) =>
  `SELECT d.host || '/' || l.code AS key FROM (${source}) AS k
   JOIN domains AS d ON d.host = k.host JOIN links AS l ON l.domain_id = d.id AND l.code = k.code
   WHERE l.password_hash IS NULL AND l.max_clicks IS NULL`;

const OPEN: Readonly<Record<SqlDialect, string>> = {
  postgres: open('SELECT host, code FROM jsonb_to_recordset($1::jsonb) AS row(host text, code text)'),
  sqlite: open("SELECT value ->> 'host' AS host, value ->> 'code' AS code FROM json_each($1)"),
};

export const createChangeLog = (sql: SqlQueries): ChangeLog => ({
  async since(seq, limit) {
    return (await sql.query<Change>(SINCE, [seq, limit])).rows;
  },
  async among(gaps, seq, limit) {
    const ranges = gaps.map(({ low, high }) => ({ low, high }));
    return (await sql.query<Change>(AMONG[sql.dialect], [JSON.stringify(ranges), seq, limit])).rows;
  },
  async newest() {
    const { rows } = await sql.query<{ newest: number | null }>('SELECT MAX(seq) AS newest FROM changes');
    return rows[0]?.newest ?? 0;
  },
  async open(keys) {
    const parts = keys.map((key) => {
      const slash = key.lastIndexOf('/');
      return { host: key.slice(0, slash), code: key.slice(slash + 1) };
    });
    const { rows } = await sql.query<{ key: string }>(OPEN[sql.dialect], [JSON.stringify(parts)]);
    return new Set(rows.map(({ key }) => key));
  },
});
