import type { SqlQueries, SqlRunner } from '@spillway/kernel';
import type { Database } from '../database.ts';
import { migrate } from '../migrate.ts';
import { type LastingConnection, lastingConnection } from './lasting-connection.ts';
import { openSqliteConnection, type SqliteConnection } from './sqlite-connection.ts';

/**
 * SQLite with one writing and one reading thread (WAL: readers never wait for the writer), and another reading one for reports,
 * which begins with the first of them. A SELECT goes to the reader, and sees every write that was answered before; inside a
 * transaction everything goes to the writer.
 */
export async function openSqlite({
  file,
  threadMemoryMb,
}: {
  file: string;
  threadMemoryMb?: number;
}): Promise<Database> {
  const open = (access: 'read' | 'write') =>
    lastingConnection(() => openSqliteConnection({ file, access }, threadMemoryMb));
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
  const runner = createRunner(writer, reader);
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
    migrate: (migrations) => migrate(runner, migrations),
    get state() {
      return writer.state === 'up' && reader.state === 'up' ? 'up' : 'down';
    },
    async check() {
      await Promise.all([writer, reader].map((connection) => connection.current().run('SELECT 1')));
    },
    async close() {
      await Promise.all([reader.close(), reporter?.close()]);
      // Last, so that closing the last connection folds the WAL back into the file.
      await writer.close();
    },
  };
}

function createRunner(writer: LastingConnection, reader: LastingConnection): SqlRunner {
  const queriesOf = (connection: SqliteConnection): SqlQueries => ({
    dialect: 'sqlite',
    query: (text, values) => connection.run(text, values),
  });
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
      /^\s*select\b/i.test(text)
        ? reader.current().run(text, values)
        : inTurn(() => writer.current().run(text, values)),
    transaction: (work) =>
      inTurn(async () => {
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
