import { createDatabaseIn, isRunning, startPostgres, until } from '@spillway/testkit';
import pg from 'pg';
import { expect, inject, test } from 'vitest';
import { childrenOf } from '../../src/processes/process-identity.ts';

test('what was committed survives a kill and a restart on the same port', async () => {
  await using postgres = await startPostgres();
  await postgres.query('CREATE TABLE t (n int)');
  await postgres.query('INSERT INTO t VALUES ($1)', [1]);
  const everyone = [postgres.pid, ...childrenOf(postgres.pid)];
  await postgres.kill();
  await until(() => everyone.every((pid) => !isRunning(pid)), { what: 'all of its processes to be gone' });
  await expect(postgres.query('SELECT 1')).rejects.toThrow('ECONNREFUSED');
  await postgres.restart();
  expect(await postgres.query('SELECT n FROM t')).toEqual([{ n: 1 }]);
  expect(await postgres.query("SELECT current_setting('fsync') AS fsync")).toEqual([{ fsync: 'on' }]);
});

test('a paused PostgreSQL hangs on open connections and new ones, and goes on', async () => {
  await using postgres = await startPostgres({ fast: true });
  const open = new pg.Client({ connectionString: postgres.url, query_timeout: 1_000 });
  await open.connect();
  await open.query('CREATE TABLE t (n int)');
  postgres.pause();
  await expect(open.query('INSERT INTO t VALUES (1)')).rejects.toThrow('timeout');
  const fresh = new pg.Client({ connectionString: postgres.url, connectionTimeoutMillis: 300 });
  await expect(fresh.connect()).rejects.toThrow('timeout');
  postgres.resume();
  // What was given up on is carried out all the same.
  await until(async () => (await postgres.query('SELECT 1 FROM t')).length === 1);
  await open.end();
});

test('a stop ends the connections, and the server comes back', async () => {
  await using postgres = await startPostgres({ fast: true, config: { work_mem: '1234kB' } });
  await postgres.stop();
  expect(postgres.running).toBe(false);
  await postgres.restart();
  expect(await postgres.query('SHOW work_mem')).toEqual([{ work_mem: '1234kB' }]);
});

test('databases of the shared server are apart, and go with their connections', async () => {
  const [one, two] = await Promise.all([
    createDatabaseIn(inject('postgresUrl')),
    createDatabaseIn(inject('postgresUrl')),
  ]);
  const client = new pg.Client({ connectionString: one.url });
  client.on('error', () => {});
  await client.connect();
  await client.query('CREATE TABLE only_here (n int)');
  const other = new pg.Client({ connectionString: two.url });
  await other.connect();
  await expect(other.query('SELECT * FROM only_here')).rejects.toThrow('does not exist');
  await other.end();
  await one.drop();
  await two.drop();
  await expect(client.query('SELECT 1')).rejects.toThrow();
});
