import type { SqlRunner } from '@spillway/kernel';
import { DAY_MS, HOUR_MS } from '../clicks/roll-up.ts';
import type { Logger } from '../log.ts';
import { MINUTE_MS, SUBJECTS } from './roll-up.ts';

const EVERY_MS = 600_000;
/** Once the start is over; also for services that are restarted more often than every ten minutes. */
const FIRST_AFTER_MS = 60_000;
/** Rows per statement: none holds its table, or SQLite's one writer, for longer than some milliseconds. */
const STEP_ROWS = 2_000;

export interface Retention {
  close(): Promise<void>;
}

/** Takes away, after a minute and then every ten, what is older than `keepMs`. Several processes may do so at once. */
export function startRetention(options: {
  readonly sql: SqlRunner;
  readonly keepMs: number;
  readonly log: Pick<Logger, 'debug'>;
}): Retention {
  const { sql, keepMs, log } = options;
  const stopped = new AbortController();
  let running: Promise<unknown> = Promise.resolve();
  const forget = () => {
    running = running
      .then(() => forgetRequests(sql, Date.now() - keepMs, stopped.signal))
      .catch((error) => log.debug({ err: error }, 'old requests stay for now'));
  };
  const timers = [setTimeout(forget, FIRST_AFTER_MS), setInterval(forget, EVERY_MS)];
  for (const timer of timers) timer.unref();
  return {
    async close() {
      for (const timer of timers) clearTimeout(timer);
      stopped.abort();
      await running;
    },
  };
}

/**
 * Takes away requests and their roll-ups from before `beforeMs`: on PostgreSQL whole days of requests, everything else in steps
 * of a bounded number of rows. Ends early, with the rest left for the next time, once `signal` is aborted.
 */
export async function forgetRequests(sql: SqlRunner, beforeMs: number, signal?: AbortSignal): Promise<void> {
  for (const [table, stepMs] of [
    ['request_minutes', MINUTE_MS],
    ['request_hours', HOUR_MS],
  ] as const) {
    const key = 'kind, step, subject, route';
    const old = `SELECT ${key} FROM ${table} WHERE kind = $1 AND step < $2 ORDER BY ${key} LIMIT ${STEP_ROWS}`;
    for (const kind of SUBJECTS.keys()) {
      const values = [kind, Math.floor(beforeMs / stepMs)];
      await deleteInSteps(sql, `DELETE FROM ${table} WHERE (${key}) IN (${old})`, values, signal);
    }
  }
  // Last, since on PostgreSQL it may have to wait for the next time.
  if (sql.dialect === 'postgres') await dropDays(sql, beforeMs, signal);
  else {
    const old = `SELECT id FROM requests WHERE at < $1 ORDER BY at LIMIT ${STEP_ROWS}`;
    await deleteInSteps(sql, `DELETE FROM requests WHERE id IN (${old})`, [beforeMs], signal);
  }
}

async function deleteInSteps(
  sql: SqlRunner,
  statement: string,
  values: readonly number[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (let deleted = STEP_ROWS; deleted === STEP_ROWS && !signal?.aborted; ) {
    deleted = (await sql.query(statement, values)).rowCount;
  }
}

/**
 * Dropping a partition locks the whole table for a moment. Who can not have that lock soon lets it be for now: whoever comes to read
 * or write meanwhile waits behind it, and should not for longer.
 */
async function dropDays(sql: SqlRunner, beforeMs: number, signal: AbortSignal | undefined): Promise<void> {
  const { rows } = await sql.query<{ name: string }>(
    `SELECT relname::text AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
     WHERE inhparent = 'requests'::regclass ORDER BY inhrelid`,
  );
  for (const { name } of rows) {
    const day = /^requests_d(\d+)$/.exec(name)?.[1];
    if (day === undefined || (Number(day) + 1) * DAY_MS > beforeMs || signal?.aborted) continue;
    await sql.transaction(async (transaction) => {
      await transaction.query("SET LOCAL lock_timeout = '200ms'");
      await transaction.query(`DROP TABLE IF EXISTS requests_d${day}`);
    });
  }
}
