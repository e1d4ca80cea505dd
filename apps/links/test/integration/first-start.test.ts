import { createServer } from 'node:net';
import {
  type ChildProcessHandle,
  createDatabaseIn,
  freePort,
  spawnProcess,
  temporaryDirectory,
} from '@spillway/testkit';
import { describe, expect, inject, test } from 'vitest';
import { hashApiKey } from '../../src/keys/api-key.ts';
import { makeFirstAdminKey } from '../../src/keys/first-admin-key.ts';
import { openDatabase } from '../../src/sql/database.ts';
import { allMigrations } from '../../src/sql/migrations.ts';
import { COMMAND, spillway } from '../support/spillway.ts';

const SAID = /^The admin key, shown this once: (spw_\w{43})$/;

const keysSaid = ({ stdout }: ChildProcessHandle): string[] =>
  stdout.flatMap((line) => SAID.exec(line)?.slice(1, 2) ?? []);

function start(env: Record<string, string>): ChildProcessHandle {
  return spawnProcess({
    name: 'spillway links',
    module: COMMAND,
    args: ['links'],
    env: { HOST: '127.0.0.1', LOG_LEVEL: 'error', ...env },
    readyWhen: (line) => line.startsWith('Spillway is ready'),
  });
}

async function mayDoAll(port: number, key: string): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/v1/keys`, { headers: { 'x-api-key': key } });
  return answer.status === 200;
}

/** A database of its own on the run's PostgreSQL, and what an instance needs to use it. */
async function distributed(dataDir: string) {
  const database = await createDatabaseIn(inject('postgresUrl'));
  const env = { DATA_DIR: dataDir, DATABASE_URL: database.url, SPILLWAY_SECRET: 'a-secret-for-these-tests' };
  return { env, [Symbol.asyncDispose]: () => database.drop() };
}

test('the first start says the admin key, which works; later ones say none', async () => {
  await using directory = temporaryDirectory({ name: 'first-start' });
  const port = await freePort();
  const env = { PORT: String(port), DATA_DIR: directory.path };
  await using first = start(env);
  await first.ready;
  const [key = ''] = keysSaid(first);
  expect(await mayDoAll(port, key)).toBe(true);
  await first.stop();
  await using second = start(env);
  await second.ready;
  expect(keysSaid(second)).toEqual([]);
  expect(await mayDoAll(port, key)).toBe(true);
});

test('a first start whose output has no room says so and makes no admin key: the next one says it', async () => {
  await using directory = temporaryDirectory({ name: 'first-start' });
  const port = await freePort();
  const env = { HOST: '127.0.0.1', PORT: String(port), DATA_DIR: directory.path, LOG_LEVEL: 'error' };
  const lost = await spillway(['links'], { env, within: ['sh', '-c', 'exec "$@" > /dev/full', 'sh'] });
  expect(lost.stderr).toMatch(/^Standard output can not be written \(ENOSPC\); .*$/);
  expect(lost.code).toBe(1);
  await using next = start(env);
  await next.ready;
  const [key = ''] = keysSaid(next);
  expect(await mayDoAll(port, key)).toBe(true);
});

test('a first start that fails makes no admin key: the next one says it', async () => {
  await using directory = temporaryDirectory({ name: 'first-start' });
  const port = await freePort();
  const env = { PORT: String(port), DATA_DIR: directory.path };
  const other = createServer().listen(port, '127.0.0.1');
  const failed = start(env);
  expect((await failed.exited).code).toBe(1);
  expect(keysSaid(failed)).toEqual([]);
  await new Promise((resolve) => other.close(resolve));
  await using service = start(env);
  await service.ready;
  expect(await mayDoAll(port, keysSaid(service)[0] ?? '')).toBe(true);
});

test('WORKERS=2: the admin key is said once', async () => {
  await using directory = temporaryDirectory({ name: 'first-start' });
  await using database = await distributed(directory.path);
  const port = await freePort();
  await using service = start({ ...database.env, PORT: String(port), WORKERS: '2' });
  await service.ready;
  expect(keysSaid(service)).toHaveLength(1);
  expect(await mayDoAll(port, keysSaid(service)[0] ?? '')).toBe(true);
});

test('of three instances that start at once on an empty database, with new domains, one says the admin key', async () => {
  await using directory = temporaryDirectory({ name: 'first-start' });
  await using database = await distributed(directory.path);
  const ports = [await freePort(), await freePort(), await freePort()];
  await using stack = new AsyncDisposableStack();
  const domains = { DOMAINS: 'one.example,two.example' };
  const all = ports.map((port) => stack.use(start({ ...database.env, ...domains, PORT: String(port) })));
  await Promise.all(all.map(({ ready }) => ready));
  const keys = all.flatMap(keysSaid);
  expect(keys).toHaveLength(1);
  for (const port of ports) expect(await mayDoAll(port, keys[0] ?? '')).toBe(true);
});

describe.each(['sqlite', 'postgres'] as const)('%s', (dialect) => {
  test('a process that dies while it shows the admin key leaves no key behind that nobody knows', async () => {
    await using directory = temporaryDirectory({ name: 'first-start' });
    const made = dialect === 'postgres' ? await createDatabaseIn(inject('postgresUrl')) : undefined;
    const database = await openDatabase({
      dataDir: directory.path,
      database:
        made === undefined ? { kind: 'sqlite' } : { kind: 'postgres', url: made.url, pool: 4, timeoutMs: 10_000 },
    });
    await database.migrate(await allMigrations());
    const { sql } = database;
    const stored = async () => (await sql.query<{ hash: string }>('SELECT hash FROM api_keys')).rows;
    const dying = makeFirstAdminKey(sql, () => {
      throw new Error('killed here');
    });
    await expect(dying).rejects.toThrow('killed here');
    expect(await stored()).toEqual([]);
    const shown: string[] = [];
    for (let starts = 0; starts < 2; starts += 1) await makeFirstAdminKey(sql, (key) => void shown.push(key));
    expect(await stored()).toEqual(shown.map((key) => ({ hash: hashApiKey(key) })));
    expect(shown).toHaveLength(1);
    await database.close();
    await made?.drop();
  });
});

describe('a country database that can not be read', () => {
  const refused = (path: string) => `COUNTRY_DATABASE: "${path}" is not a readable MMDB file`;

  test('is a wrong setting: exit code 2, and no service that dies later', async () => {
    await using directory = temporaryDirectory({ name: 'countries' });
    for (const COUNTRY_DATABASE of ['/dev/null', `${directory.path}/none.mmdb`]) {
      const env = { PORT: '0', HOST: '127.0.0.1', DATA_DIR: directory.path, COUNTRY_DATABASE };
      for (const command of ['links', 'check-config']) {
        const { code, stdout, stderr } = await spillway([command], { env });
        expect(stderr).toContain(refused(COUNTRY_DATABASE));
        expect(stderr).not.toMatch(/^\s+at /m);
        expect(stdout).toBe('');
        expect(code).toBe(2);
      }
    }
  });

  test('is a wrong setting with WORKERS too, which are not started again and again', async () => {
    await using directory = temporaryDirectory({ name: 'countries' });
    await using database = await distributed(directory.path);
    const service = start({ ...database.env, PORT: '0', WORKERS: '2', COUNTRY_DATABASE: '/dev/null' });
    expect(await service.exited).toEqual({ code: 2, signal: null });
    expect(service.stderr.join('\n')).toContain(refused('/dev/null'));
    expect(service.stdout).toEqual([]);
  });
});
