import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StoreUnavailableError } from '../errors.ts';
import type { SqlRunner } from '../sql.ts';
import { sqliteRunner } from './sqlite-runner.ts';

let directory: string;
let database: DatabaseSync;
let sql: SqlRunner;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spillway-sqlite-'));
  database = new DatabaseSync(join(directory, 'db'));
  database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE)');
  sql = sqliteRunner(database);
});
afterEach(() => {
  database.close();
  rmSync(directory, { recursive: true });
});

const names = async (): Promise<unknown[]> =>
  (await sql.query('SELECT name FROM t ORDER BY id')).rows.map((row) => row.name);

describe('sqliteRunner', () => {
  test('binds placeholders by their number, also out of order and repeated', async () => {
    const { rows } = await sql.query('SELECT $2 AS b, $1 AS a, $2 AS again, $10 AS j', [
      1,
      'two',
      3,
      4,
      5,
      6,
      7,
      8,
      9,
      'ten',
    ]);
    expect({ ...rows[0] }).toEqual({ b: 'two', a: 1, again: 'two', j: 'ten' });
  });

  test('leaves what looks like a placeholder in quotes and comments alone', async () => {
    const { rows } = await sql.query(`SELECT 'it''s $1' AS a, $1 AS "b$2" /* $3 */ -- $4`, ['x']);
    expect({ ...rows[0] }).toEqual({ a: "it's $1", b$2: 'x' });
  });

  test('says how many rows were returned, or changed', async () => {
    expect((await sql.query("INSERT INTO t (name) VALUES ('a'), ('b')")).rowCount).toBe(2);
    expect((await sql.query('SELECT 1 FROM t')).rowCount).toBe(2);
    expect((await sql.query("INSERT INTO t (name) VALUES ('c') RETURNING id")).rows).toHaveLength(1);
    expect((await sql.query("UPDATE t SET name = 'd' WHERE id = 99")).rowCount).toBe(0);
  });

  test('a transaction keeps all or nothing, and others wait for it', async () => {
    const failing = sql.transaction(async (transaction) => {
      await transaction.query("INSERT INTO t (name) VALUES ('lost')");
      await new Promise(setImmediate);
      throw new Error('no');
    });
    const beside = sql.query("INSERT INTO t (name) VALUES ('beside')");
    const second = sql.transaction(async (transaction) => {
      await transaction.query("INSERT INTO t (name) VALUES ('kept')");
      return 5;
    });
    await expect(failing).rejects.toThrow('no');
    await beside;
    expect(await second).toBe(5);
    expect(await names()).toEqual(['beside', 'kept']);
  });

  test('a wrong statement is the database’s own error, a busy database is unavailable', async () => {
    await sql.query("INSERT INTO t (name) VALUES ('a')");
    await expect(sql.query("INSERT INTO t (name) VALUES ('a')")).rejects.toMatchObject({ code: 'ERR_SQLITE_ERROR' });
    await expect(sql.query('SELEC')).rejects.not.toBeInstanceOf(StoreUnavailableError);
    const other = new DatabaseSync(join(directory, 'db'));
    try {
      other.exec('BEGIN IMMEDIATE');
      await expect(sql.query("INSERT INTO t (name) VALUES ('b')")).rejects.toBeInstanceOf(StoreUnavailableError);
      await expect(sql.transaction(async () => 1)).rejects.toMatchObject({ operation: 'BEGIN' });
      other.exec('ROLLBACK');
    } finally {
      other.close();
    }
    // Nothing is stuck behind the failures.
    await sql.query("INSERT INTO t (name) VALUES ('b')");
    expect(await names()).toEqual(['a', 'b']);
  });

  test('G7: thousands of different statements do not pile up, and all still run', async () => {
    for (let i = 0; i < 1_200; i += 1) expect((await sql.query(`SELECT ${i} AS i`)).rows[0]?.i).toBe(i);
    expect((await sql.query('SELECT 0 AS i')).rows[0]?.i).toBe(0);
  });
});
