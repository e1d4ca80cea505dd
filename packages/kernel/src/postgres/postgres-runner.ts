import { SpillwayError, StoreUnavailableError } from '../errors.ts';
import type { SqlQueries, SqlResult, SqlRunner, SqlValue } from '../sql.ts';

interface PgResult {
  readonly rows: unknown[];
  readonly rowCount: number | null;
  readonly command?: string;
}

interface PgQueries {
  query(config: { text: string; values: unknown[]; name?: string }): Promise<PgResult>;
}

/** As much of a `pg.Pool` as is needed: a pool passed in is borrowed, and never closed here. */
export interface PgPool extends PgQueries {
  connect(): Promise<PgClient>;
}

interface PgClient extends PgQueries {
  release(error?: Error | boolean): void;
  on?(event: 'error', listener: () => void): unknown;
  off?(event: 'error', listener: () => void): unknown;
}

// The statement that meets a dead connection rejects. That it died between two statements is told by an event, which would end
// the process if nobody listened.
const ignore = (): void => {};

// SQLSTATE classes that mean "the server is away, full, stopping, read-only or past the deadline, or gave up a deadlock", not "this statement is
// wrong".
const UNAVAILABLE = /^(08|40|53|57|58|25006)/;

/** A `SqlRunner` on a lent `pg.Pool`. Deadlines are the pool's (`connectionTimeoutMillis`, `query_timeout`). */
export function postgresRunner(pool: PgPool): SqlRunner {
  return {
    dialect: 'postgres',
    query: (text, values) => run(pool, text, values),
    async transaction(work) {
      const client = await pool.connect().catch((error) => {
        throw toStoreError('connect', error);
      });
      client.on?.('error', ignore);
      const queries: SqlQueries = { dialect: 'postgres', query: (text, values) => run(client, text, values) };
      // A connection whose COMMIT or ROLLBACK failed is in an unknown state: it is destroyed, not put back.
      let broken = false;
      try {
        await queries.query('BEGIN');
        const result = await work(queries);
        broken = true;
        const { command } = await client.query({ text: 'COMMIT', values: [] }).catch((error: unknown) => {
          throw toStoreError('COMMIT', error);
        });
        broken = false;
        // PostgreSQL takes COMMIT for ROLLBACK after a statement that failed, and calls it a success.
        if (command === 'ROLLBACK') throw new RolledBackError();
        return result;
      } catch (error) {
        if (!broken && !(error instanceof RolledBackError)) {
          await queries.query('ROLLBACK').catch(() => {
            broken = true;
          });
        }
        throw error;
      } finally {
        client.release(broken);
        client.off?.('error', ignore);
      }
    },
  };
}

/** `work` went on after a statement that had failed, so nothing of it was kept. */
class RolledBackError extends SpillwayError {
  override readonly name = 'RolledBackError';
  readonly code = 'SPILLWAY_ROLLED_BACK';
  readonly retryable = false;

  constructor() {
    super('The transaction was rolled back: a statement in it had failed; let its error end the transaction');
  }
}

async function run<Row>(on: PgQueries, text: string, values: readonly SqlValue[] = []): Promise<SqlResult<Row>> {
  try {
    const result = await on.query({ text, values: [...values] });
    return { rows: result.rows as Row[], rowCount: result.rowCount ?? 0 };
  } catch (error) {
    throw toStoreError(text.trimStart().split(/\s/, 1)[0] ?? 'query', error);
  }
}

// What only an attempt to connect meets: refused, no such host, the server is starting or stopping, or has no connection left.
const NOT_CONNECTED = new Set<unknown>(['ECONNREFUSED', 'ENOTFOUND', '57P03', '53300']);

/** How `pg-pool` says that no connection was had in time: it has no code for it. */
const POOL_TIMEOUT = 'timeout exceeded when trying to connect';

/** Errors of the connection become `StoreUnavailableError`; errors of the statement stay as they are. */
function toStoreError(operation: string, error: unknown): unknown {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  const fromServer = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code);
  if (fromServer && !UNAVAILABLE.test(code)) return error;
  const notSent = NOT_CONNECTED.has(code) || (error instanceof Error && error.message === POOL_TIMEOUT);
  return new StoreUnavailableError(operation, error, undefined, { mayHaveRun: !notSent });
}
