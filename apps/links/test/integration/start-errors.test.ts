import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createDatabaseIn, freePort, startRedis, temporaryDirectory } from '@spillway/testkit';
import { describe, expect, inject, test } from 'vitest';
import { startOldPostgres } from '../support/old-postgres.ts';
import { spillway, startEmbedded } from '../support/spillway.ts';

// The real command, as people meet it: an exit code, one paragraph, no stack.
async function failsToStart(env: Record<string, string>) {
  const ran = await spillway(['links'], { env: { HOST: '127.0.0.1', LOG_LEVEL: 'error', ...env } });
  expect(ran.stderr).not.toMatch(/^\s+at /m);
  expect(ran.stdout).not.toContain('ready');
  return ran;
}

const distributed = (databaseUrl: string, more: Record<string, string> = {}) => ({
  DATABASE_URL: databaseUrl,
  SPILLWAY_SECRET: 'a-secret-for-these-tests',
  ADMIN_KEY: 'admin-key-for-these-tests',
  ...more,
});

/** Root may read and write anything, unless it lacks these two capabilities. */
const WITHOUT_OVERRIDE =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set', '-dac_override,-dac_read_search'] : [];

/** Every page but the first, which SQLite looks at when it opens the file. */
function damage(file: string): void {
  const bytes = readFileSync(file);
  writeFileSync(file, bytes.fill(0xa5, 4096));
}

function asDirectory(file: string): void {
  rmSync(file);
  mkdirSync(file);
}

describe('a service that can not start says why', () => {
  test('every wrong setting at once, with exit code 2', async () => {
    const { code, stderr } = await failsToStart({
      PORT: 'http',
      LIMIT_MISS: 'ten',
      REDIS_URL: 'http://redis',
      TRUSTED_PROXIES: '10.0.0.0/99',
      WORKERS: '3',
      ADMIN_KEY: 'short-key',
      DATABASE_TIMEOUT: '5',
    });
    expect(code).toBe(2);
    for (const name of [
      'PORT',
      'LIMIT_MISS',
      'REDIS_URL',
      'TRUSTED_PROXIES',
      'WORKERS',
      'ADMIN_KEY',
      'DATABASE_TIMEOUT',
      'DATABASE_URL',
    ]) {
      expect(stderr, name).toMatch(new RegExp(`^  ${name}: .{10}`, 'm'));
    }
    expect(stderr).toContain('got "http"');
    expect(stderr).not.toContain('short-key');
  });

  test('a port in use', async () => {
    await using directory = temporaryDirectory();
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    const { code, stderr } = await failsToStart({ PORT: String(port), DATA_DIR: directory.path });
    other.close();
    expect(code).toBe(1);
    expect(stderr).toContain(`PORT: ${port} is in use`);
  });

  test('a data directory that is a file, or in use', async () => {
    const file = await failsToStart({ PORT: '0', DATA_DIR: '/dev/null' });
    expect(file).toMatchObject({ code: 1 });
    expect(file.stderr).toContain('DATA_DIR: "/dev/null" can not be written to');
    await using directory = temporaryDirectory();
    await using _first = await startEmbedded({ DATA_DIR: directory.path });
    const second = await failsToStart({ PORT: '0', DATA_DIR: directory.path });
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/DATA_DIR: .*in use by process \d+/);
  });

  test('a data directory where none can be made, and check-config knows it too', async () => {
    const within = ['timeout', '20'];
    const env = { HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'error' };
    const started = await spillway(['links'], { env: { ...env, DATA_DIR: '/proc/x' }, within });
    expect(started.stderr).toContain('DATA_DIR: "/proc/x" can not be written to (ENOENT)');
    expect(started.code).toBe(1);
    for (const path of ['/proc/x', '/etc/passwd']) {
      const checked = await spillway(['check-config'], { env: { ...env, DATA_DIR: path }, within });
      expect(checked.stderr).toContain(`  DATA_DIR: "${path}" can not be written to (`);
      expect(checked.stdout).toBe('');
      expect(checked.code).toBe(2);
    }
    await using directory = temporaryDirectory();
    const deep = join(directory.path, 'made', 'for a moment');
    expect(await spillway(['check-config'], { env: { ...env, DATA_DIR: deep } })).toMatchObject({ code: 0 });
    expect(readdirSync(directory.path)).toEqual([]);
  });

  test('a data directory without the right to write', async () => {
    await using directory = temporaryDirectory();
    await chmod(directory.path, 0o555);
    const env = { HOST: '127.0.0.1', PORT: '0', DATA_DIR: directory.path, LOG_LEVEL: 'error' };
    const { code, stderr } = await spillway(['links'], { env, within: WITHOUT_OVERRIDE });
    expect(stderr).toContain(`DATA_DIR: "${directory.path}" can not be written to (EACCES)`);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(code).toBe(1);
  });

  test.for<[string, (file: string) => void, string]>([
    ['is no database', (file) => writeFileSync(file, 'junk'), 'damaged, or no database: restore it from a backup'],
    ['was cut short', (file) => truncateSync(file, 20_000), 'damaged, or no database: restore it from a backup'],
    ['is damaged inside', damage, 'damaged, or no database: restore it from a backup'],
    ['is a directory', asDirectory, 'it is no file'],
    ['may not be read', (file) => chmodSync(file, 0), '(EACCES)'],
    ['may not be written', (file) => chmodSync(file, 0o444), '(EACCES)'],
  ])('an embedded database that %s', async ([, spoil, said]) => {
    await using directory = temporaryDirectory();
    const env = { HOST: '127.0.0.1', PORT: '0', DATA_DIR: directory.path, LOG_LEVEL: 'error' };
    expect(await spillway(['migrate'], { env })).toMatchObject({ code: 0 });
    const file = join(directory.path, 'spillway.db');
    spoil(file);
    for (const command of ['links', 'migrate']) {
      const { code, stdout, stderr } = await spillway([command], { env, within: WITHOUT_OVERRIDE });
      expect(stderr).toMatch(/^DATA_DIR: .*$/);
      expect(stderr).toContain(`"${file}" can not be used (`);
      expect(stderr).toContain(said);
      expect(stdout).toBe('');
      expect(code).toBe(1);
    }
  });

  test('a backup without its secret: nothing stands in its place, and the service starts once it is back', async () => {
    await using directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    const env = { PORT: '0', DATA_DIR: data };
    await (await startEmbedded(env)).process.stop();
    const copy = join(directory.path, 'copy');
    cpSync(data, copy, { recursive: true });
    rmSync(join(copy, 'secret'));
    for (const time of ['first', 'second']) {
      const { code, stderr } = await failsToStart({ ...env, DATA_DIR: copy });
      expect(stderr, time).toMatch(
        /^DATA_DIR: ".*\/copy\/secret" is missing, .* restore it from the backup, or set SPILLWAY_/,
      );
      expect(code).toBe(1);
      expect(readdirSync(copy).filter((name) => name.startsWith('secret'))).toEqual([]);
    }
    const secret = readFileSync(join(data, 'secret'), 'utf8').trim();
    await using _told = await startEmbedded({ ...env, DATA_DIR: copy, SPILLWAY_SECRET: secret });
  });

  test('a new DATA_DIR on PostgreSQL: without the secret of the others none is made', async () => {
    await using directory = temporaryDirectory();
    const database = await createDatabaseIn(inject('postgresUrl'));
    const data = join(directory.path, 'data');
    const env = distributed(database.url, { PORT: '0', DATA_DIR: data, SPILLWAY_SECRET: '' });
    const { code, stderr } = await failsToStart(env);
    expect(stderr).toContain('SPILLWAY_SECRET: is needed with DATABASE_URL, the same on every instance');
    expect(code).toBe(2);
    expect(readdirSync(directory.path)).toEqual([]);
    await database.drop();
  });

  test('a PostgreSQL that is not there, has no such database, or refuses the user', async () => {
    await using directory = temporaryDirectory();
    const more = { PORT: '0', DATA_DIR: directory.path };
    const nobody = await failsToStart(distributed(`postgres://x:hidden@127.0.0.1:${await freePort()}/x`, more));
    expect(nobody.code).toBe(1);
    expect(nobody.stderr).toMatch(/DATABASE_URL: PostgreSQL at 127\.0\.0\.1:\d+\/x can not be reached/);
    expect(nobody.stderr).not.toContain('hidden');
    const missing = new URL(inject('postgresUrl'));
    missing.pathname = '/no_such_database';
    const absent = await failsToStart(distributed(missing.href, more));
    expect(absent.code).toBe(1);
    expect(absent.stderr).toContain('no such database');
  });

  test('a PostgreSQL that takes no writes', async () => {
    await using directory = temporaryDirectory();
    const { name, url, drop } = await createDatabaseIn(inject('postgresUrl'));
    const { default: pg } = await import('pg');
    const client = new pg.Client(url);
    await client.connect();
    await client.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    await client.end();
    const { code, stderr } = await failsToStart(distributed(url, { PORT: '0', DATA_DIR: directory.path }));
    expect(stderr).toMatch(
      /^DATABASE_URL: PostgreSQL at \S+ takes no writes \(.*read-only transaction\); name the primary, or let it take writes$/,
    );
    expect(code).toBe(1);
    await drop();
  });

  test('WORKERS=2: what keeps all of them from starting is told once, with its exit code', async () => {
    await using directory = temporaryDirectory();
    const missing = new URL(inject('postgresUrl'));
    missing.pathname = '/no_such_database';
    const more = { PORT: '0', DATA_DIR: directory.path, WORKERS: '2', LOG_LEVEL: 'info' };
    const absent = await failsToStart(distributed(missing.href, more));
    expect(absent.stderr).toMatch(/^DATABASE_URL: PostgreSQL at \S+ has no such database \(.*\); create it first$/);
    expect(absent.code).toBe(1);
    const settings = await failsToStart(distributed(missing.href, { ...more, COUNTRY_DATABASE: '/dev/null' }));
    expect(settings.stderr.match(/has no such database|COUNTRY_DATABASE/g)).toHaveLength(1);
  });

  test('a PostgreSQL that is too old, by its own word', async () => {
    await using directory = temporaryDirectory();
    const database = await createDatabaseIn(inject('postgresUrl'));
    await using old = await startOldPostgres(database.url);
    const { code, stderr } = await failsToStart(distributed(old.url, { PORT: '0', DATA_DIR: directory.path }));
    expect(stderr).toContain('DATABASE_URL: PostgreSQL 13.14 is too old; Spillway needs 14 or newer');
    expect(code).toBe(1);
    await database.drop();
  });

  test('a database of a newer program, and one with another secret', async () => {
    await using directory = temporaryDirectory();
    const database = await createDatabaseIn(inject('postgresUrl'));
    const more = { PORT: '0', DATA_DIR: directory.path };
    const migrated = await spillway(['migrate'], { env: distributed(database.url, more) });
    expect(migrated.code, migrated.stderr).toBe(0);
    const { default: pg } = await import('pg');
    const client = new pg.Client(database.url);
    await client.connect();
    await client.query("INSERT INTO id_secrets (name, check_value) VALUES ('short-code', 'v1:other')");
    const secret = await failsToStart(distributed(database.url, more));
    expect(secret.code).toBe(1);
    expect(secret.stderr).toMatch(/secret/i);
    await client.query("INSERT INTO spillway_migrations (id, applied_at) VALUES ('zz-999-future', 0)");
    await client.end();
    const newer = await failsToStart(distributed(database.url, more));
    expect(newer.code).toBe(1);
    expect(newer.stderr).toContain('newer version of Spillway');
    await database.drop();
  });

  test('a Redis that refuses the password, grants too little, or lacks the database', async () => {
    await using redis = await startRedis({ password: 'the-password' });
    await using directory = temporaryDirectory();
    const database = await createDatabaseIn(inject('postgresUrl'));
    const start = (url: string) =>
      failsToStart(distributed(database.url, { PORT: '0', DATA_DIR: directory.path, REDIS_URL: url }));
    const stranger = await start(`redis://127.0.0.1:${redis.port}`);
    expect(stranger.code).toBe(1);
    expect(stranger.stderr).toContain('refused the user or the password');
    await redis.command('ACL', 'SETUSER', 'weak', 'on', '>pw', '~*', '&*', '+@connection', '+get');
    const weak = await start(`redis://weak:pw@127.0.0.1:${redis.port}`);
    expect(weak.code).toBe(1);
    for (const right of ['+eval', '+xadd', '+publish']) expect(weak.stderr).toContain(right);
    const url = `redis://:the-password@127.0.0.1:${redis.port}`;
    const absent = await start(`${url}/99`);
    expect(absent.code).toBe(1);
    expect(absent.stderr).toMatch(/^REDIS: redis can not be used as set: Redis refused "SELECT 99": ERR .*"databases"/);
    expect(await redis.command('DBSIZE')).toBe(0);
    await database.drop();
  });
});
