import { createDatabaseIn, type Database, type RedisServer, startRedis, temporaryDirectory } from '@spillway/testkit';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { spillway, startEmbedded } from '../support/spillway.ts';

/** All that the service sends or calls in scripts, and no more. */
const NEEDED =
  'get mget set time unlink del exists getrange hget hincrby hset incr pexpire pttl eval evalsha publish subscribe ' +
  'xadd xack xdel xgroup xinfo xpending xrange xtrim xreadgroup xautoclaim zadd zcard zrem zremrangebyscore';

describe('a Redis user with few rights', () => {
  let redis: RedisServer;
  let database: Database;
  beforeAll(async () => {
    redis = await startRedis({ password: 'the-password' });
    database = await createDatabaseIn(inject('postgresUrl'));
  });
  afterAll(async () => {
    await redis?.close();
    await database?.drop();
  });
  const env = (user: string, more: Record<string, string> = {}) => ({
    DATABASE_URL: database.url,
    REDIS_URL: `redis://${user}:pw@127.0.0.1:${redis.port}`,
    SPILLWAY_SECRET: 'a-secret-for-these-tests',
    ...more,
  });
  const grant = (user: string, ...rules: string[]) =>
    redis.command('ACL', 'SETUSER', user, 'reset', 'on', '>pw', '~spillway:*', '&spillway:*', '+@connection', ...rules);
  const all = NEEDED.split(' ').map((name) => `+${name}`);

  test('starts with those that are needed: creates, redirects and counts, and nothing is left of the check', async () => {
    await grant('exact', ...all, '+info');
    await using service = await startEmbedded(env('exact'));
    const headers = { 'x-api-key': service.adminKey, 'content-type': 'application/json' };
    const body = JSON.stringify({ url: 'https://example.org/', alias: 'permitted' });
    expect((await fetch(`${service.url}/api/v1/links`, { method: 'POST', headers, body })).status).toBe(201);
    expect((await fetch(`${service.url}/permitted`, { redirect: 'manual' })).status).toBe(302);
    const counted = async () => {
      const answer = await fetch(`${service.url}/api/v1/links/permitted/stats`, { headers });
      return ((await answer.json()) as { totals: { clicks: number } }).totals.clicks;
    };
    await expect.poll(counted).toBe(1);
    expect(await redis.command('KEYS', '*{rights}*')).toEqual([]);
    expect(await redis.command('ACL', 'LOG')).toEqual([]);
  });

  test.each([
    ['subscribe', '+subscribe'],
    ['xreadgroup', '+xreadgroup'],
    ['xautoclaim', '+xautoclaim'],
    ['mget', '+mget'],
    ['set', '+set'],
    ['publish', '+publish'],
    ['hincrby', '+hincrby'],
    ['incr', '+incr'],
    ['xinfo', '+xinfo'],
    ['evalsha', '+evalsha'],
  ])('without %s it is refused, and told what is missing', async (name, right) => {
    await using directory = temporaryDirectory({ name: 'rights' });
    await grant('poor', ...all, `-${name}`);
    const more = { PORT: '0', HOST: '127.0.0.1', DATA_DIR: directory.path };
    const { code, stdout, stderr } = await spillway(['links'], { env: env('poor', more) });
    expect(stderr).toContain(right);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stdout).not.toContain('ready');
    expect(code).toBe(1);
  });

  test('the Redis of the cache alone needs what the cache does', async () => {
    await grant('main', ...all);
    await grant(
      'cache',
      ...'get mget set time unlink exists getrange eval evalsha'.split(' ').map((name) => `+${name}`),
    );
    const cache = { REDIS_CACHE_URL: `redis://cache:pw@127.0.0.1:${redis.port}` };
    await using service = await startEmbedded(env('main', cache));
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
  });
});
