import { type SqlRunner, StoreUnavailableError } from '@spillway/kernel';
import { type PgPool, postgresRunner } from '@spillway/kernel/postgres';
import pg from 'pg';
import type { DatabaseConfig } from '../../config.ts';
import { type Breaker, createBreaker } from '../breaker.ts';
import type { Database } from '../database.ts';
import { migrate } from '../migrate.ts';
import { preparedName } from './prepared.ts';

type PostgresConfig = Extract<DatabaseConfig, { kind: 'postgres' }>;

/** How much longer a report may take than a look-up. */
const REPORT_FACTOR = 10;
const LIMIT_CONNECTIONS = 4;
/** Long enough for another instance's migrations, which this one waits for. */
const MIGRATION_TIMEOUT_MS = 120_000;
const MOST_CONNECT_MS = 10_000;

/**
 * PostgreSQL: a pool for the work, small ones for reports and limits, and a breaker for the first and the last. Reports ask nothing
 * while the first is open, but do not open it: they are slow by nature, and wait for each other. Nor do limits: those of one
 * key wait for each other, and whoever waits too long for that has met no server that is away. Connects when first asked.
 */
export function openPostgres(config: PostgresConfig): Database {
  const work = createPool(config, { max: config.pool, timeoutMs: config.timeoutMs, name: 'spillway' });
  const reports = createPool(config, { max: 3, timeoutMs: config.timeoutMs * REPORT_FACTOR, name: 'spillway-reports' });
  const limits = createPool(config, { max: LIMIT_CONNECTIONS, timeoutMs: config.timeoutMs, name: 'spillway-limits' });
  const probe = createPool(config, { max: 1, timeoutMs: config.timeoutMs, name: 'spillway-probe' });
  const runner = postgresRunner(withPreparedLookups(work));
  const probeRunner = postgresRunner(probe as unknown as PgPool);
  const probeOnce = () => probeRunner.query('SELECT 1');
  const breaker = createBreaker({ probe: probeOnce, isAnswer });
  const limitBreaker = createBreaker({ probe: probeOnce, isAnswer });
  const reportRunner = postgresRunner(reports as unknown as PgPool);

  const guarded = (inner: SqlRunner, by: Breaker): SqlRunner => ({
    dialect: 'postgres',
    query: (text, values) => by.run('query', () => inner.query(text, values)),
    transaction: (workInside) => by.run('transaction', () => inner.transaction(workInside)),
  });
  return {
    sql: guarded(runner, breaker),
    writes: undefined,
    limits: guarded(postgresRunner(limits as unknown as PgPool), limitBreaker),
    reports: {
      dialect: 'postgres',
      query: async (text, values) => {
        if (breaker.state === 'down') throw new StoreUnavailableError('report', undefined, 'is down (breaker open)');
        return reportRunner.query(text, values);
      },
    },
    async migrate(migrations) {
      const pool = createPool(config, { max: 1, timeoutMs: MIGRATION_TIMEOUT_MS, name: 'spillway-migrate' });
      try {
        return await migrate(postgresRunner(pool as unknown as PgPool), migrations);
      } finally {
        await pool.end();
      }
    },
    get state() {
      return breaker.state;
    },
    async check() {
      await probeRunner.query('SELECT 1');
    },
    async close() {
      breaker.close();
      limitBreaker.close();
      await Promise.all([work.end(), reports.end(), limits.end(), probe.end()]);
    },
  };
}

// SQLSTATE of what may be tried again, but not because the server were away: deadlock, read-only, disk or memory full. Reads go on.
const ONE_STATEMENT = /^(40|25006|53100|53200)/;

function isAnswer(error: unknown): boolean {
  if (!(error instanceof StoreUnavailableError)) return true;
  const { code } = (error.cause ?? {}) as { readonly code?: unknown };
  return typeof code === 'string' && ONE_STATEMENT.test(code);
}

// Integers beyond 2^53 do not occur in our tables, so that int8 (20) can be a number; so can numeric (1700), a sum of int8.
const types = {
  getTypeParser: (oid: number, format?: string) =>
    oid === 20 || oid === 1700 ? Number : pg.types.getTypeParser(oid, format as 'text'),
};

function createPool(config: PostgresConfig, options: { max: number; timeoutMs: number; name: string }): pg.Pool {
  const pool = new pg.Pool({
    connectionString: config.url,
    application_name: options.name,
    max: options.max,
    connectionTimeoutMillis: Math.min(options.timeoutMs, MOST_CONNECT_MS),
    // The server gives up first, so that a slow statement does not cost the connection; a hung server costs it.
    statement_timeout: options.timeoutMs,
    query_timeout: options.timeoutMs + 500,
    idle_in_transaction_session_timeout: options.timeoutMs * 5,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    types: types as unknown as pg.CustomTypesConfig,
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => undefined);
  return pool;
}

/** The pool, with the look-ups of the redirect as prepared statements: planned once per connection. */
function withPreparedLookups(pool: pg.Pool): PgPool {
  return {
    query(config) {
      const name = preparedName(config.text);
      return pool.query(name === undefined ? config : { ...config, name });
    },
    connect: () => pool.connect(),
  };
}
