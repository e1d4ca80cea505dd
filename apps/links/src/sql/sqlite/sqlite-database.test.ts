import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreUnavailableError } from '@spillway/kernel';
import { temporaryDirectory, until } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { openSqlite } from './sqlite-database.ts';

/** More than a thread may hold. */
const TOO_MUCH = `WITH RECURSIVE count(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM count WHERE n < 200000)
  SELECT n, hex(randomblob(50)) AS text FROM count`;

const open = async ({ lockMs }: { lockMs?: number } = {}) => {
  const directory = temporaryDirectory({ name: 'sqlite' });
  const database = await openSqlite({
    file: join(directory.path, 'db'),
    threadMemoryMb: 16,
    ...(lockMs === undefined ? {} : { lockMs }),
  });
  await database.sql.query('CREATE TABLE t (n INTEGER)');
  await database.sql.query('INSERT INTO t VALUES (1)');
  const rows = async () =>
    (await database.sql.query<{ n: number }>('SELECT n FROM t ORDER BY n')).rows.map(({ n }) => n);
  return {
    file: join(directory.path, 'db'),
    database,
    rows,
    async [Symbol.asyncDispose]() {
      await database.close();
      await directory.close();
    },
  };
};

test('a reading thread that dies of a result takes nobody with it: reads go on with another one', async () => {
  await using service = await open();
  const { database, rows } = service;
  await expect(database.sql.query(`SELECT * FROM (${TOO_MUCH})`)).rejects.toThrow(StoreUnavailableError);
  await database.sql.query('INSERT INTO t VALUES (2)');
  await until(async () => (await rows()).length === 2, { timeoutMs: 10_000 });
  expect(database.state).toBe('up');
});

test('a transaction whose thread dies is rolled back, and none of it runs on the next one', async () => {
  await using service = await open();
  const { database, rows } = service;
  const failing = database.sql.transaction(async (queries) => {
    await queries.query('INSERT INTO t VALUES (2)');
    await queries.query(TOO_MUCH).catch(() => undefined);
    // Past the time after which another thread would be opened.
    await until(async () => database.sql.query('SELECT 1').then(() => true));
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await queries.query('INSERT INTO t VALUES (3)');
  });
  await expect(failing).rejects.toThrow(StoreUnavailableError);
  await until(async () => database.sql.query('INSERT INTO t VALUES (4)').then(() => true), { timeoutMs: 10_000 });
  expect(await rows()).toEqual([1, 4]);
});

test('G7: while another program has the lock, only the first write waits for it; reads go on, and so do writes after it', async () => {
  await using service = await open({ lockMs: 500 });
  const { file, database, rows } = service;
  const other = new DatabaseSync(file);
  other.exec('BEGIN IMMEDIATE');
  const began = performance.now();
  const writes = [2, 3, 4, 5].map((n) => database.sql.query('INSERT INTO t VALUES ($1)', [n]));
  const inTransaction = database.sql.transaction((queries) => queries.query('INSERT INTO t VALUES (6)'));
  const outcomes = await Promise.allSettled([...writes, inTransaction]);
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailableError) });
  }
  expect(performance.now() - began).toBeLessThan(1_500);
  expect(database.state).toBe('down');
  await expect(database.sql.query('INSERT INTO t VALUES (7)')).rejects.toThrow('is down');
  expect(await rows()).toEqual([1]);
  other.exec('ROLLBACK');
  other.close();
  await until(() => database.state === 'up', { timeoutMs: 10_000 });
  await database.sql.query('INSERT INTO t VALUES (8)');
  expect(await rows()).toEqual([1, 8]);
});
