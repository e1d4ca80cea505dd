import type { SqlQueries, SqlRunner } from '@spillway/kernel';
import type { Database } from '../database.ts';
import { migrate } from '../migrate.ts';
import { openSqliteConnection, type SqliteConnection } from './sqlite-connection.ts';

/**
 * SQLite with one writing and one reading thread (WAL: readers never wait for the writer), and another reading one for reports,
 * which begins with the first of them. A SELECT goes to the reader, and sees every write that was answered before; inside a
 * transaction everything goes to the writer.
 */
export async function openSqlite({ file }: { file: string }): Promise<Database> {
  const writer = openSqliteConnection({ file, access: 'write' });
  // The writer makes the file and its WAL; the reader would race it for that.
  await writer.run('SELECT 1').catch(async (error) => {
    await writer.close();
    throw error;
  });
  const reader = openSqliteConnection({ file, access: 'read' });
  const runner = createRunner(writer, reader);
  let reporter: SqliteConnection | undefined;
  const reports: SqlQueries = {
    dialect: 'sqlite',
    query(text, values) {
      reporter ??= openSqliteConnection({ file, access: 'read' });
      return reporter.run(text, values);
    },
  };
  return {
    sql: runner,
    reports,
    limits: undefined,
    migrate: (migrations) => migrate(runner, migrations),
    get state() {
      return writer.state === 'up' && reader.state === 'up' ? 'up' : 'down';
    },
    async check() {
      await Promise.all([writer.run('SELECT 1'), reader.run('SELECT 1')]);
    },
    async close() {
      await Promise.all([reader.close(), reporter?.close()]);
      // Last, so that closing the last connection folds the WAL back into the file.
      await writer.close();
    },
  };
}

function createRunner(writer: SqliteConnection, reader: SqliteConnection): SqlRunner {
  const queries: SqlQueries = { dialect: 'sqlite', query: (text, values) => writer.run(text, values) };
  // The tail of the writer's queue: whoever comes next waits for the open transaction. It never rejects.
  let tail: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const turn = tail.then(work);
    tail = turn.catch(() => undefined);
    return turn;
  };
  return {
    dialect: 'sqlite',
    query: (text, values) =>
      /^\s*select\b/i.test(text) ? reader.run(text, values) : inTurn(() => writer.run(text, values)),
    transaction: (work) =>
      inTurn(async () => {
        await writer.run('BEGIN IMMEDIATE');
        try {
          const result = await work(queries);
          await writer.run('COMMIT');
          return result;
        } catch (error) {
          // After a full disk SQLite has already rolled back, and says so; the first error is the one to report.
          await writer.run('ROLLBACK').catch(() => undefined);
          throw error;
        }
      }),
  };
}
