import { freePort, spawnProcess, temporaryDirectory } from '@spillway/testkit';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { ADMIN_KEY, configurations, startInstances, startOwnRedis, temporaryDatabase } from '../support/cluster.ts';
import { ask, create, type Made, readMetric, visit } from '../support/cluster-client.ts';
import { COMMAND, startEmbedded } from '../support/spillway.ts';

describe.each(configurations)('$name', (configuration) => {
  test('three instances started at the same instant on an empty database migrate it once, and all serve', async () => {
    await using database = await temporaryDatabase();
    await using redis = await startOwnRedis(configuration);
    await using instances = await startInstances({ databaseUrl: database.url, redisUrl: redis?.url });
    for (const instance of instances.all) {
      const { body } = await create(instance, { url: 'https://example.org/' });
      for (const other of instances.all) expect((await visit(other, body.code, '10.0.0.1')).status).toBe(302);
      // Redis' settings are warned of, and nothing else.
      expect(instance.process.stderr.filter((line) => !line.includes('"link":"redis"'))).toEqual([]);
    }
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query<{ migrations: number; transactions: number }>(
      'SELECT count(*)::int AS migrations, count(DISTINCT xmin::text)::int AS transactions FROM spillway_migrations',
    );
    await client.end();
    // All of them by one instance, in its one transaction.
    expect(rows[0]?.transactions).toBe(1);
    expect(rows[0]?.migrations).toBeGreaterThan(3);
  });

  test('an instance with another secret is refused, and says why', async () => {
    await using database = await temporaryDatabase();
    await using redis = await startOwnRedis(configuration);
    const options = { databaseUrl: database.url, redisUrl: redis?.url, count: 1 };
    await using first = await startInstances(options);
    const other = startInstances({ ...options, env: { SPILLWAY_SECRET: 'another-secret-of-the-tests' } });
    await expect(other).rejects.toThrow(/ended early \(1\)[\s\S]*secret/i);
    expect((await create(first.at(0), { url: 'https://example.org/' })).status).toBe(201);
  });

  test('WORKERS=2: two processes on one port with one set of metrics; SIGTERM ends all with 0', async () => {
    await using database = await temporaryDatabase();
    await using redis = await startOwnRedis(configuration);
    const env = { WORKERS: '2' };
    await using instances = await startInstances({ databaseUrl: database.url, redisUrl: redis?.url, count: 1, env });
    const only = instances.at(0);
    const made: string[] = [];
    for (let i = 0; i < 20; i += 1) made.push((await create(only, { url: `https://example.org/${i}` })).body.code);
    const served = new Map<string, number>();
    const redirected = async () => readMetric(only, 'spillway_links_clicks_total', '{stage="accepted"');
    const before = await redirected();
    // Each over a connection of its own, so that both have their share.
    for (let i = 0; i < 60; i += 1) {
      const answer = await fetch(`${only.url}/${made[i % made.length]}`, {
        redirect: 'manual',
        headers: { connection: 'close', 'x-forwarded-for': `10.0.0.${i}` },
      });
      expect(answer.status).toBe(302);
      const by = answer.headers.get('x-served-by') ?? '';
      served.set(by, (served.get(by) ?? 0) + 1);
    }
    expect(served.size).toBe(2);
    // Whichever is asked tells of both.
    for (let i = 0; i < 4; i += 1) expect(await redirected()).toBe(before + 60);
    const { body } = await ask<{ data: Made[] }>(only, 'GET', '/api/v1/links?limit=100');
    expect(body.data).toHaveLength(20);
    expect(await only.stop()).toEqual({ code: 0, signal: null });
  });
});

test('a second process on the data directory of an embedded service is refused, and the first goes on', async () => {
  await using directory = temporaryDirectory({ name: 'one-at-a-time' });
  await using first = await startEmbedded({ DATA_DIR: directory.path });
  const second = spawnProcess({
    name: 'the second',
    module: COMMAND,
    args: ['links'],
    env: { PORT: String(await freePort()), HOST: '127.0.0.1', DATA_DIR: directory.path, ADMIN_KEY },
  });
  const { code } = await second.exited;
  expect(code).toBe(1);
  const said = [...second.stdout, ...second.stderr].join('\n');
  expect(said).toMatch(/DATA_DIR/);
  expect(said).not.toMatch(/^\s+at /m);
  expect((await fetch(`${first.url}/healthz`)).status).toBe(200);
});
