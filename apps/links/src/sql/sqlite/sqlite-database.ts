import { type SqlQueries, type SqlRunner, StoreUnavailableError } from '@spillway/kernel';
import { type Breaker, createBreaker } from '../breaker.ts';
import type { Database } from '../database.ts';
import { migrate } from '../migrate.ts';
import { type LastingConnection, lastingConnection } from './lasting-connection.ts';
import { openSqliteConnection, type SqliteConnection, SqliteError } from './sqlite-connection.ts';
import { createWriteTurns, type WriteTurns } from './write-turns.ts';

/**
 * SQLite with one writing and one reading thread (WAL: readers never wait for the writer), and another reading one for reports,
 * which begins with the first of them. A SELECT goes to the reader, and sees every write that was answered before; inside a
 * transaction everything goes to the writer. Another program that keeps the file locked makes one write wait for it; from then on
 * writes fail at once, and a probe waits in their place.
 */
export async function openSqlite({
  file,
  threadMemoryMb,
  lockMs,
}: {
  file: string;
  threadMemoryMb?: number;
  lockMs?: number;
}): Promise<Database> {
  const open = (access: 'read' | 'write') =>
    lastingConnection(() => openSqliteConnection({ file, access, lockMs }, threadMemoryMb));
  const writer = open('write');
  // The writer makes the file and its WAL; the reader would race it for that.
  await writer
    .current()
    .run('SELECT 1')
    .catch(async (error) => {
      await writer.close();
      throw error;
    });
  const reader = open('read');
  const turns = createWriteTurns();
  // One is enough: it has waited for the lock as long as any other would.
  const breaker = createBreaker({
    probe: () => takeLock(writer.current()),
    misses: 1,
    isAnswer: (error) => !isLocked(error),
  });
  const runner = createRunner(writer, reader, { turns, breaker });
  let reporter: LastingConnection | undefined;
  const reports: SqlQueries = {
    dialect: 'sqlite',
    query(text, values) {
      reporter ??= open('read');
      return reporter.current().run(text, values);
    },
  };
  return {
    sql: runner,
    reports,
    limits: undefined,
    writes: turns.stats,
    migrate: (migrations) => migrate(runner, migrations),
    get state() {
      return [writer, reader, breaker].every(({ state }) => state === 'up') ? 'up' : 'down';
    },
    async check() {
      await Promise.all([writer, reader].map((connection) => connection.current().run('SELECT 1')));
    },
    async close() {
      breaker.close();
      await Promise.all([reader.close(), reporter?.close()]);
      // Last, so that closing the last connection folds the WAL back into the file.
      await writer.close();
    },
  };
}

/** BUSY, LOCKED: another program has the file. */
function isLocked(error: unknown): boolean {
  const cause = error instanceof StoreUnavailableError ? error.cause : undefined;
  return cause instanceof SqliteError && [5, 6].includes(cause.errcode & 255);
}

/** Whether a write would get the lock. Nobody else writes meanwhile: the breaker is open. */
async function takeLock(connection: SqliteConnection): Promise<void> {
  await connection.run('BEGIN IMMEDIATE');
  await connection.run('ROLLBACK');
}

function createRunner(
  writer: LastingConnection,
  reader: LastingConnection,
  { turns, breaker }: { turns: WriteTurns; breaker: Breaker },
): SqlRunner {
  const queriesOf = (connection: SqliteConnection): SqlQueries => ({
    dialect: 'sqlite',
    query: (text, values) => connection.run(text, values),
  });
  const inTurn = <Result>(operation: string, work: () => Promise<Result>): Promise<Result> =>
    turns.run(operation, () => breaker.run(operation, work));
  return {
    dialect: 'sqlite',
    query: (text, values) =>
      /^\s*select\b/i.test(text)
        ? reader.current().run(text, values)
        : inTurn('query', () => writer.current().run(text, values)),
    transaction: (work) =>
      inTurn('transaction', async () => {
        const connection = writer.current();
        await connection.run('BEGIN IMMEDIATE');
        try {
          const result = await work(queriesOf(connection));
          await connection.run('COMMIT');
          return result;
        } catch (error) {
          // After a full disk SQLite has already rolled back, and says so; the first error is the one to report.
          await connection.run('ROLLBACK').catch(() => undefined);
          throw error;
        }
      }),
  };
}
