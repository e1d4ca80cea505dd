import { createIdAllocator } from '@spillway/ids';
import { fencedBlocks } from '@spillway/ids/redis';
import { sqlBlocks, stepOver } from '@spillway/ids/sql';
import { ConfigurationError, type SqlRunner, StoreUnavailableError } from '@spillway/kernel';
import { postgresRunner } from '@spillway/kernel/postgres';
import { connectRedis, createKeys, type RedisLink } from '@spillway/redis';
import { startFaultProxy, startPostgres } from '@spillway/testkit';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { proposeScript } from '../../src/redis/propose-script.ts';
import { type OpenDatabase, openPool, openPostgres, openSqlite } from '../open-database.ts';

const blockSize = 10;

describe.each([
  ['PostgreSQL', () => openPostgres(inject('postgresUrl'))],
  ['SQLite', () => openSqlite()],
])('a fence in %s, before a Redis that', (_, open) => {
  const prefix = `ids-fence-${process.pid}-${Date.now()}`;
  let sequences = 0;
  let sequence: string;
  let counterKey: string;
  let link: RedisLink;
  let database: OpenDatabase;

  beforeEach(async () => {
    sequence = `sequence-${sequences++}`;
    counterKey = createKeys({ prefix, package: 'ids', version: 1 })(sequence, 'counter');
    database = await open();
    link = connectRedis({ url: inject('redisUrl'), deadline: '2s' });
    await link.ready({ timeout: '30s' });
  });
  afterEach(async () => {
    await link.command('UNLINK', [counterKey]);
    await Promise.all([link.close(), database.close()]);
  });

  const source = () => fencedBlocks({ link, sql: database.sql, sequence, prefix, random: () => 0 });
  const take = async (from: ReturnType<typeof source>, count: number) => {
    const blocks = [];
    for (let i = 0; i < count; i++) blocks.push(await from.next({ blockSize }));
    return blocks;
  };

  test('G1: forgot everything, meets one conflict, and is raised', async () => {
    const blocks = source();
    await take(blocks, 5);
    await link.command('UNLINK', [counterKey]);
    expect(await take(blocks, 2)).toEqual([
      { number: 6, proposedBy: 'redis', conflicts: 1 },
      { number: 7, proposedBy: 'redis', conflicts: 0 },
    ]);
    expect(await link.command('GET', [counterKey])).toBe('7');
  });

  test('G1: came back with an old value, meets one conflict, and is raised', async () => {
    const blocks = source();
    await take(blocks, 5);
    await link.command('SET', [counterKey, 2]);
    expect(await take(blocks, 1)).toEqual([{ number: 6, proposedBy: 'redis', conflicts: 1 }]);
  });

  test('forgot while no instance ran, is raised by the next one before it proposes anything', async () => {
    await take(source(), 5);
    await link.command('UNLINK', [counterKey]);
    expect(await take(source(), 1)).toEqual([{ number: 6, proposedBy: 'redis', conflicts: 0 }]);
  });

  test('G1: fell behind what SQL proposed in its absence, is raised', async () => {
    await take(source(), 2);
    for (let i = 0; i < 3; i++) await sqlBlocks({ sql: database.sql, sequence }).next({ blockSize });
    const blocks = source();
    expect((await take(blocks, 1))[0]?.number).toBe(6);
  });

  test('went ahead, is followed: the numbers between are skipped', async () => {
    const blocks = source();
    await take(blocks, 1);
    await link.command('SET', [counterKey, 50]);
    expect((await take(blocks, 1))[0]).toEqual({ number: 51, proposedBy: 'redis', conflicts: 0 });
  });

  test.each(['9007199254740990', '100012', '9223372036854775807', '-5', '1.5', 'not a number', '1e3'])(
    'holds the absurd counter %s, can not use up the sequence',
    async (counter) => {
      const blocks = source();
      await take(blocks, 10);
      await link.command('SET', [counterKey, counter]);
      const numbers = (await take(blocks, 5)).map(({ number }) => number);
      expect(new Set(numbers).size).toBe(5);
      expect(Math.min(...numbers)).toBeGreaterThan(10);
      expect(Math.max(...numbers)).toBeLessThanOrEqual(1_001);
    },
  );

  test('holds something else under the key, is passed over for SQL', async () => {
    await link.command('RPUSH', [counterKey, 'x']);
    expect(await take(source(), 2)).toMatchObject([
      { number: 1, proposedBy: 'sql' },
      { number: 2, proposedBy: 'sql' },
    ]);
  });

  test('is asked for nothing while SQL is away, so that an outage skips no numbers', async () => {
    let away = false;
    const sql: SqlRunner = {
      ...database.sql,
      query: (text, values) =>
        away ? Promise.reject(new StoreUnavailableError('query')) : database.sql.query(text, values),
    };
    const blocks = fencedBlocks({ link, sql, sequence, prefix });
    await take(blocks, 1);
    away = true;
    for (let tries = 0; tries < 20; tries++) await expect(take(blocks, 1)).rejects.toThrow(StoreUnavailableError);
    away = false;
    // One was proposed before the first failure was known.
    expect((await take(blocks, 1))[0]?.number).toBe(3);
  });

  test('is asked to raise by someone late, is never lowered', async () => {
    await link.command('SET', [counterKey, 50]);
    expect(await link.run(proposeScript, { counterKey, floor: 5 })).toBe(51);
    expect(await link.run(proposeScript, { counterKey, floor: 51 })).toBe(52);
    expect(await link.run(proposeScript, { counterKey, floor: 60 })).toBe(61);
    expect(await link.run(proposeScript, { counterKey, floor: 2 ** 52 })).toBe(2 ** 52 + 1);
    expect(await link.command('GET', [counterKey])).toBe(String(2 ** 52 + 1));
  });

  test('lost its scripts, goes on', async () => {
    const blocks = source();
    await take(blocks, 1);
    // Each script is loaded again by whoever misses it, so this is harmless to the others on this Redis.
    await link.command('SCRIPT', ['FLUSH']);
    expect(await take(blocks, 1)).toEqual([{ number: 2, proposedBy: 'redis', conflicts: 0 }]);
  });

  test('is closed in the middle of it all, is replaced by SQL, and its numbers follow', async () => {
    const blocks = source();
    await take(blocks, 3);
    const away = connectRedis({ url: 'redis://127.0.0.1:1' });
    const withoutRedis = fencedBlocks({ link: away, sql: database.sql, sequence, prefix });
    expect(await take(withoutRedis, 1)).toEqual([{ number: 4, proposedBy: 'sql', conflicts: 0 }]);
    await away.close();
  });

  test('G1: forgot just when the database was restored, can not fill the gaps that the restore left', async () => {
    // Rows 1, 2 and 5 are there; 3 and 4 were taken, say, and are lost.
    const blocks = source();
    await take(blocks, 2);
    await link.command('SET', [counterKey, 4]);
    await take(blocks, 1);
    expect(await stepOver({ sql: database.sql, blocks: 20 })).toEqual([{ sequence, floor: 25 }]);
    // An instance that knows nothing of it is proposed 3, and meets the floor like a conflict.
    await link.command('SET', [counterKey, 2]);
    expect(await take(blocks, 1)).toEqual([{ number: 26, proposedBy: 'redis', conflicts: 1 }]);
    // So does SQL, and an instance that starts now is not even proposed one.
    await link.command('SET', [counterKey, 2]);
    expect((await take(source(), 1))[0]).toEqual({ number: 27, proposedBy: 'redis', conflicts: 0 });
    expect(await stepOver({ sql: database.sql, blocks: 1 })).toEqual([{ sequence, floor: 28 }]);
    const bySql = sqlBlocks({ sql: database.sql, sequence });
    expect(await bySql.next({ blockSize })).toEqual({ number: 29, proposedBy: 'sql', conflicts: 0 });
    expect(await stepOver({ sql: database.sql, blocks: 2, sequence })).toEqual([{ sequence, floor: 31 }]);
    expect(await stepOver({ sql: database.sql, blocks: 2, sequence: 'unknown' })).toEqual([]);
    await expect(stepOver({ sql: database.sql, blocks: 0 })).rejects.toThrow(ConfigurationError);
  });
});

describe('a fence in PostgreSQL', () => {
  test('G1: burns a block whose confirmation was lost after the commit', async () => {
    const database = await openPostgres(inject('postgresUrl'));
    const { port } = new URL(inject('postgresUrl'));
    const proxy = await startFaultProxy({ target: { port: Number(port) } });
    const pool = openPool(proxy.url(database.url));
    const ids = createIdAllocator({ source: sqlBlocks({ sql: postgresRunner(pool) }), blockSize: 10, prefetchAt: 0 });
    try {
      expect(await ids.next()).toBe(1);
      await ids.take(9);
      proxy.dropReplies(({ request }) => request.includes('INSERT INTO id_blocks'), { afterwards: 'reset' });
      await expect(ids.next()).rejects.toThrow(StoreUnavailableError);
      proxy.restore();
      await expect.poll(() => ids.stats().remaining, { timeout: 20_000 }).toBeGreaterThan(0);
      const { rows } = await database.sql.query<{ number: string }>('SELECT number FROM id_blocks ORDER BY number');
      const numbers = rows.map((row) => Number(row.number));
      // Block 2 stands in the table, was confirmed to nobody, and is skipped.
      expect(numbers.slice(0, 2)).toEqual([1, 2]);
      expect(await ids.next()).toBe((Math.max(...numbers) - 1) * 10 + 1);
      expect(ids.stats().lastBlock).toBeGreaterThan(2);
    } finally {
      await ids.close();
      await pool.end();
      await proxy.close();
      await database.close();
    }
  });

  test('G1: waits for the disk even where the session would not', async () => {
    const postgres = await startPostgres({ config: { synchronous_commit: 'off' } });
    const database = await openPostgres(postgres.url);
    try {
      // A deferred trigger runs at the commit, and tells what the commit will do.
      for (const statement of [
        'CREATE TABLE seen (at_commit text)',
        `CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$`,
        `CREATE CONSTRAINT TRIGGER tell AFTER INSERT ON id_blocks
         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tell()`,
      ]) {
        await database.sql.query(statement);
      }
      const source = sqlBlocks({ sql: database.sql });
      await source.next({ blockSize });
      expect((await database.sql.query('SELECT * FROM seen')).rows).toEqual([{ at_commit: 'on' }]);
      // For itself only: the session is as it was.
      expect((await database.sql.query('SHOW synchronous_commit')).rows).toEqual([{ synchronous_commit: 'off' }]);

      // A kill right after the answer loses nothing.
      const numbers: number[] = [];
      for (let i = 0; i < 20; i++) numbers.push((await source.next({ blockSize })).number);
      await postgres.kill();
      await postgres.restart();
      const { rows } = await database.sql.query<{ n: string }>('SELECT MAX(number) AS n FROM id_blocks');
      expect(Number(rows[0]?.n)).toBe(Math.max(...numbers));
    } finally {
      await database.close().catch(() => undefined);
      await postgres.close();
    }
  });
});
