import { StoreUnavailableError } from '../errors.ts';
import type { SqlQueries, SqlResult, SqlRunner, SqlValue } from '../sql.ts';

interface SqliteStatement {
  all(...values: never[]): unknown[];
  run(...values: never[]): { changes: number | bigint };
  columns(): unknown[];
}

/** As much of `node:sqlite`'s `DatabaseSync` as is needed. A database passed in is borrowed, and never closed here. */
export interface SqliteDatabase {
  prepare(text: string): SqliteStatement;
  exec(text: string): void;
}

/** Prepared statements kept per database; beyond it the oldest is dropped (G7). */
const MAX_STATEMENTS = 500;

/**
 * A `SqlRunner` on a lent `DatabaseSync`. Statements run at once on the calling thread; transactions run one after the other,
 * and a plain `query` waits for the transaction that is open.
 */
export function sqliteRunner(database: SqliteDatabase): SqlRunner {
  const run = createStatementRunner(database);
  const queries: SqlQueries = {
    dialect: 'sqlite',
    query: async (text, values) => orStoreError(text.trimStart().split(/\s/, 1)[0] ?? 'query', () => run(text, values)),
  };
  // The tail of the queue: whoever comes next waits for it. It never rejects.
  let tail: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const turn = tail.then(work);
    tail = turn.catch(() => undefined);
    return turn;
  };
  return {
    dialect: 'sqlite',
    query: (text, values) => inTurn(() => queries.query(text, values)),
    transaction: (work) =>
      inTurn(async () => {
        orStoreError('BEGIN', () => database.exec('BEGIN IMMEDIATE'));
        try {
          const result = await work(queries);
          orStoreError('COMMIT', () => database.exec('COMMIT'));
          return result;
        } catch (error) {
          // After a full disk SQLite has already rolled back, and says so; the first error is the one to report.
          try {
            database.exec('ROLLBACK');
          } catch {}
          throw error;
        }
      }),
  };
}

// Result codes that mean "not now", not "this statement is wrong": BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL, NOTADB.
const UNAVAILABLE = new Set([5, 6, 8, 10, 11, 13, 14, 15, 26]);

function orStoreError<Result>(operation: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0;
    throw UNAVAILABLE.has(code & 0xff) ? new StoreUnavailableError(operation, error) : error;
  }
}

// What is in quotes or a comment is found too, and left as it is.
const PLACEHOLDER = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$(\d+)/g;

interface Prepared {
  readonly statement: SqliteStatement;
  /** For each `?`, in order, which value it takes. */
  readonly order: readonly number[];
}

/**
 * Runs one statement synchronously. Each `$n` becomes a plain `?`: older Nodes take SQLite's own `?n` for a name, and bind
 * nothing to it by position.
 */
export function createStatementRunner(
  database: SqliteDatabase,
): <Row>(text: string, values?: readonly SqlValue[]) => SqlResult<Row> {
  const statements = new Map<string, Prepared>();
  const prepare = (text: string): Prepared => {
    const known = statements.get(text);
    if (known !== undefined) return known;
    if (statements.size >= MAX_STATEMENTS) statements.delete(statements.keys().next().value as string);
    const order: number[] = [];
    const plain = text.replace(PLACEHOLDER, (found: string, n: string | undefined) => {
      if (n === undefined) return found;
      order.push(Number(n) - 1);
      return '?';
    });
    const prepared = { statement: database.prepare(plain), order };
    statements.set(text, prepared);
    return prepared;
  };
  return <Row>(text: string, values: readonly SqlValue[] = []) => {
    const { statement, order } = prepare(text);
    const bound = order.map((index) => values[index]);
    if (statement.columns().length > 0) {
      const rows = statement.all(...(bound as never[])) as Row[];
      return { rows, rowCount: rows.length };
    }
    return { rows: [], rowCount: Number(statement.run(...(bound as never[])).changes) };
  };
}
