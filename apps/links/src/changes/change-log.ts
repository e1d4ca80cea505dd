import type { SqlQueries } from '@spillway/kernel';
import { prepared } from '../sql/postgres/prepared.ts';

/** One entry of the outbox. `seq` is the order of beginning, not of committing: a lower one may appear after a higher one. */
export interface Change {
  readonly seq: number;
  /** The link's cache key. */
  readonly key: string;
}

/** The outbox `changes`, read. */
export interface ChangeLog {
  since(seq: number, limit: number): Promise<readonly Change[]>;
  /** 0 when there is none. */
  newest(): Promise<number>;
}

const SINCE = prepared('changes_since', 'SELECT seq, key FROM changes WHERE seq > $1 ORDER BY seq LIMIT $2');

export const createChangeLog = (sql: SqlQueries): ChangeLog => ({
  async since(seq, limit) {
    return (await sql.query<Change>(SINCE, [seq, limit])).rows;
  },
  async newest() {
    const { rows } = await sql.query<{ newest: number | null }>('SELECT MAX(seq) AS newest FROM changes');
    return rows[0]?.newest ?? 0;
  },
});
