import { StoreUnavailableError } from '@spillway/kernel';
import { postgresRunner } from '@spillway/kernel/postgres';
import { createDatabaseIn, type Database, startPostgres, until } from '@spillway/testkit';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';

let database: Database;
let pool: pg.Pool;

beforeEach(async () => {
  database = await createDatabaseIn(inject('postgresUrl'));
  pool = new pg.Pool({ connectionString: database.url, max: 3 });
  pool.on('error', () => undefined);
  await pool.query('CREATE TABLE t (id int PRIMARY KEY)');
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

const ids = async (): Promise<number[]> => (await pool.query('SELECT id FROM t ORDER BY id')).rows.map(({ id }) => id);

describe('postgresRunner', () => {
  test('binds placeholders by number, and says how many rows there were', async () => {
    const sql = postgresRunner(pool);
    expect((await sql.query('SELECT $2::text AS b, $1::int AS a', [1, 'two'])).rows).toEqual([{ b: 'two', a: 1 }]);
    expect((await sql.query('INSERT INTO t VALUES (1), (2)')).rowCount).toBe(2);
    expect((await sql.query('DELETE FROM t WHERE id > $1 RETURNING id', [1])).rowCount).toBe(1);
  });

  test('a transaction keeps all or nothing, and gives its connection back either way', async () => {
    const sql = postgresRunner(pool);
    await expect(
      sql.transaction(async (transaction) => {
        await transaction.query('INSERT INTO t VALUES (1)');
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    await Promise.all([2, 3, 4, 5].map((id) => sql.transaction((one) => one.query('INSERT INTO t VALUES ($1)', [id]))));
    expect(await ids()).toEqual([2, 3, 4, 5]);
    expect(pool.idleCount).toBe(pool.totalCount);
  });

  test('a transaction that went on after a failed statement rejects: PostgreSQL has kept nothing of it', async () => {
    const sql = postgresRunner(pool);
    await expect(
      sql.transaction(async (transaction) => {
        await transaction.query('INSERT INTO t VALUES (1)');
        await transaction.query('INSERT INTO t VALUES (1)').catch(() => undefined);
      }),
    ).rejects.toThrow('rolled back');
    expect(await ids()).toEqual([]);
    expect(pool.idleCount).toBe(pool.totalCount);
  });

  test('a wrong statement is the database’s own error, with its SQLSTATE', async () => {
    const sql = postgresRunner(pool);
    await sql.query('INSERT INTO t VALUES (1)');
    await expect(sql.query('INSERT INTO t VALUES (1)')).rejects.toMatchObject({ code: '23505' });
    await expect(sql.query('SELEC')).rejects.toMatchObject({ code: '42601' });
  });

  test('a deadlock and a statement past its deadline can be tried again', async () => {
    const sql = postgresRunner(pool);
    await sql.query('INSERT INTO t VALUES (1), (2)');
    let holding = 0;
    const bothHold = Promise.withResolvers<void>();
    const crossing = (first: number, second: number) =>
      sql.transaction(async (transaction) => {
        await transaction.query('SELECT 1 FROM t WHERE id = $1 FOR UPDATE', [first]);
        holding += 1;
        if (holding === 2) bothHold.resolve();
        await bothHold.promise;
        await transaction.query('SELECT 1 FROM t WHERE id = $1 FOR UPDATE', [second]);
      });
    const results = await Promise.allSettled([crossing(1, 2), crossing(2, 1)]);
    const victims = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(victims).toHaveLength(1);
    expect(victims[0]).toBeInstanceOf(StoreUnavailableError);
    await expect(
      sql.transaction(async (transaction) => {
        await transaction.query("SET LOCAL statement_timeout = '10ms'");
        await transaction.query('SELECT pg_sleep(10)');
      }),
    ).rejects.toBeInstanceOf(StoreUnavailableError);
  });

  test('a server that was killed is unavailable, in the middle of a transaction too, and is used again when it is back', async () => {
    const server = await startPostgres({ fast: true });
    const own = new pg.Pool({ connectionString: server.url, max: 2, connectionTimeoutMillis: 5_000 });
    own.on('error', () => undefined);
    try {
      const sql = postgresRunner(own);
      await expect(
        sql.transaction(async (transaction) => {
          await transaction.query('SELECT 1');
          await server.kill();
          await transaction.query('SELECT 1');
        }),
      ).rejects.toMatchObject({ name: 'StoreUnavailableError', mayHaveRun: true });
      const notSent = { name: 'StoreUnavailableError', mayHaveRun: false };
      await expect(sql.query('SELECT 1')).rejects.toMatchObject(notSent);
      await expect(sql.transaction(async () => 1)).rejects.toMatchObject(notSent);
      await server.restart();
      await until(async () => (await sql.query('SELECT 1')).rowCount === 1);
      expect(await sql.transaction(async () => 1)).toBe(1);
    } finally {
      await own.end();
      await server.close();
    }
  });
});
