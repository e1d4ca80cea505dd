import { execFileSync } from 'node:child_process';
import { createDatabaseIn, freePort, spawnProcess, temporaryDirectory, until } from '@spillway/testkit';
import { expect, inject, test } from 'vitest';
import { COMMAND } from '../support/spillway.ts';

test('WORKERS=2: two processes on one port with one set of metrics; one that dies is started again; SIGTERM ends all', async () => {
  await using directory = temporaryDirectory({ name: 'workers' });
  const database = await createDatabaseIn(inject('postgresUrl'));
  const port = await freePort();
  await using primary = spawnProcess({
    name: 'spillway links',
    module: COMMAND,
    args: ['links'],
    env: {
      PORT: String(port),
      HOST: '127.0.0.1',
      INSTANCE: 'pair',
      DATA_DIR: directory.path,
      DATABASE_URL: database.url,
      SPILLWAY_SECRET: 'a-secret-for-these-tests',
      WORKERS: '2',
      LOG_LEVEL: 'warn',
    },
    readyWhen: (line) => line.startsWith('Spillway is ready'),
  });
  await primary.ready;
  const url = `http://127.0.0.1:${port}`;
  // A connection of its own each time, so that the workers take turns.
  const ask = (path: string) => fetch(url + path, { headers: { connection: 'close' }, redirect: 'manual' });
  const servedBy = new Set<string | null>();
  await until(async () => {
    servedBy.add((await ask('/healthz')).headers.get('x-served-by'));
    return servedBy.size === 2;
  });
  expect([...servedBy].sort()).toEqual(['pair-w1', 'pair-w2']);

  for (let i = 0; i < 10; i += 1) expect((await ask(`/none${i}`)).status).toBe(404);
  const notFound = async () =>
    /redirects_total\{outcome="not-found",from="loader"\} (\d+)/.exec(await (await ask('/metrics')).text())?.[1];
  expect(await notFound()).toBe('10');

  const children = () =>
    execFileSync('ps', ['--ppid', String(primary.pid), '-o', 'pid='])
      .toString()
      .trim()
      .split(/\s+/)
      .map(Number);
  const before = children();
  expect(before).toHaveLength(2);
  process.kill(before[0] ?? 0, 'SIGKILL');
  await until(() => children().length === 2 && !children().includes(before[0] ?? 0), { timeoutMs: 20_000 });
  await until(async () => (await ask('/healthz')).status === 200);

  const { code } = await primary.stop();
  expect(code).toBe(0);
  await database.drop();
});
