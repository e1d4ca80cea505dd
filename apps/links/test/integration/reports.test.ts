import { createDatabaseIn, temporaryDirectory } from '@spillway/testkit';
import { describe, expect, inject, test } from 'vitest';
import { openDatabase } from '../../src/sql/database.ts';

/** Counts to ten million, which takes a second or so. */
const SLOW = `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000000)
  SELECT count(*) AS n FROM numbers`;

describe('statistics are read beside the work', () => {
  test('on SQLite a look-up does not wait for a report', async () => {
    await using directory = temporaryDirectory({ name: 'reports' });
    const database = await openDatabase({ database: { kind: 'sqlite' }, dataDir: directory.path });
    await database.reports.query('SELECT 1');
    const answered: string[] = [];
    const report = database.reports.query<{ n: number }>(SLOW).then(({ rows }) => {
      answered.push('report');
      return rows[0]?.n;
    });
    for (let i = 0; i < 10; i += 1) await database.sql.query('SELECT 1');
    answered.push('look-ups');
    expect(await report).toBe(10_000_000);
    expect(answered).toEqual(['look-ups', 'report']);
    await database.close();
  });

  test('on SQLite a report sees what was committed before, and writes nothing', async () => {
    await using directory = temporaryDirectory({ name: 'reports' });
    const database = await openDatabase({ database: { kind: 'sqlite' }, dataDir: directory.path });
    await database.sql.query('CREATE TABLE things (name TEXT)');
    for (let i = 1; i <= 20; i += 1) {
      await database.sql.query('INSERT INTO things VALUES ($1)', [`thing ${i}`]);
      expect((await database.reports.query('SELECT count(*) AS n FROM things')).rows).toEqual([{ n: i }]);
    }
    await expect(database.reports.query('DELETE FROM things')).rejects.toMatchObject({
      cause: { message: expect.stringContaining('readonly') },
    });
    await database.close();
  });

  test('on PostgreSQL more slow reports than there is room for do not make the database count as down', async () => {
    const { url, drop } = await createDatabaseIn(inject('postgresUrl'));
    // Reports get 4 s, and wait as long for one of their three connections: of nine that take 3 s, the last three wait in vain.
    const config = { kind: 'postgres', url, pool: 2, timeoutMs: 400 } as const;
    const database = await openDatabase({ database: config, dataDir: '' });
    await database.sql.query('SELECT 1');
    const seen: string[] = [];
    const reports = Array.from({ length: 9 }, () =>
      database.reports.query('SELECT pg_sleep(3)').catch(async () => {
        seen.push(database.state);
        seen.push(...(await database.sql.query<{ up: string }>("SELECT 'up' AS up")).rows.map(({ up }) => up));
      }),
    );
    await Promise.all(reports);
    expect(seen).toEqual(Array(6).fill('up'));
    await database.close();
    await drop();
  });
});
