import { readFileSync } from 'node:fs';
import { createDatabaseIn, type Database, type RedisServer, startRedis, temporaryDirectory } from '@spillway/testkit';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { spillway, startEmbedded } from '../support/spillway.ts';

/** The rules of the page for operators: all that the service sends or calls in scripts, what some limits need besides, the cache's. */
const PAGE = readFileSync(new URL('../../../../docs/3.operations/redis-rights.md', import.meta.url), 'utf8');
const [NEEDED = '', SOME_LIMITS = '', OF_CACHE = ''] = [...PAGE.matchAll(/^ACL SETUSER .*$/gm)].map(([line]) =>
  [...line.matchAll(/ \+([a-z]+)/g)].map(([, name]) => name).join(' '),
);

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
  const rules = (names: string) => names.split(' ').map((name) => `+${name}`);
  const all = rules(NEEDED).filter((rule) => rule !== '+info');

  test('the page names what was found to be needed', () => {
    expect(NEEDED.split(' ').sort()).toEqual([
      ...['del', 'eval', 'evalsha', 'exists', 'get', 'getrange', 'hget', 'hincrby', 'hset', 'incr', 'info', 'mget'],
      ...['pexpire', 'pttl', 'publish', 'set', 'subscribe', 'time', 'unlink', 'xack', 'xadd', 'xautoclaim', 'xdel'],
      ...['xgroup', 'xinfo', 'xpending', 'xrange', 'xreadgroup', 'xtrim', 'zadd', 'zcard', 'zrem', 'zremrangebyscore'],
    ]);
  });

  describe('limits', () => {
    const one = { name: 'one', limit: 1, window: '1h' };
    const ACTIONS = ['peek', 'take', 'take', 'refund', 'take', 'block', 'reset', 'take'];
    /** Each action, with an id; what decided each. */
    const decide = async ({ url, adminKey }: { url: string; adminKey: string }, policy: Record<string, unknown>) => {
      const decidedBy: string[] = [];
      for (const action of ACTIONS) {
        const id = action === 'take' || action === 'refund' ? { id: 'an id' } : {};
        const body = { action, policy, key: 'somebody', ...id, ...(action === 'block' ? { for: '10m' } : {}) };
        const headers = { 'x-api-key': adminKey, 'content-type': 'application/json' };
        const answer = await fetch(`${url}/api/v1/limits/check`, {
          method: 'POST',
          headers,
          body: JSON.stringify(body),
        });
        expect(answer.status, await answer.clone().text()).toBe(200);
        decidedBy.push(((await answer.json()) as { decidedBy: string }).decidedBy);
      }
      return decidedBy;
    };
    const byStore = ACTIONS.map(() => 'store');

    test('of most strategies need no more', async () => {
      await grant('limits', ...all, '+info');
      await redis.command('ACL', 'LOG', 'RESET');
      await using service = await startEmbedded(env('limits'));
      for (const policy of [
        { strategy: 'token-bucket', name: 'one', capacity: 1, refill: { tokens: 1, every: '1h' } },
        { strategy: 'gcra', name: 'one', limit: 1, every: '1h' },
        { strategy: 'fixed-window', ...one },
        { strategy: 'sliding-window', ...one },
        { strategy: 'quota', name: 'one', limit: 1, per: 'day' },
      ]) {
        expect(await decide(service, policy), policy.strategy).toEqual(byStore);
      }
      expect(await redis.command('ACL', 'LOG')).toEqual([]);
    });

    test('by log and by slots are shares without them', async () => {
      await grant('limits', ...all, '+info');
      await using service = await startEmbedded(env('limits', { LOG_LEVEL: 'silent' }));
      const headers = { 'x-api-key': service.adminKey, 'content-type': 'application/json' };
      for (const policy of [
        { strategy: 'sliding-log', ...one },
        { strategy: 'concurrency', name: 'one', limit: 1, lease: '1h' },
      ]) {
        const body = JSON.stringify({ policy, key: 'somebody', id: 'an id' });
        const answer = await fetch(`${service.url}/api/v1/limits/check`, { method: 'POST', headers, body });
        expect(await answer.json()).toMatchObject({ outcome: 'allowed', decidedBy: 'share', degraded: true });
      }
      const metrics = await (await fetch(`${service.url}/metrics`)).text();
      expect(metrics).toMatch(/^spillway_limit_store_errors_total\{.*\} [1-9]/m);
    });

    test('by log and by slots need those that the page adds', async () => {
      await grant('limits', ...all, '+info', ...rules(SOME_LIMITS));
      await redis.command('ACL', 'LOG', 'RESET');
      await using service = await startEmbedded(env('limits'));
      for (const policy of [
        { strategy: 'sliding-log', ...one },
        { strategy: 'concurrency', name: 'one', limit: 2, lease: '1h' },
      ]) {
        expect(await decide(service, policy), policy.strategy).toEqual(byStore);
      }
      expect(await redis.command('ACL', 'LOG')).toEqual([]);
    });
  });

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
    await grant('cache', ...rules(OF_CACHE));
    const cache = { REDIS_CACHE_URL: `redis://cache:pw@127.0.0.1:${redis.port}` };
    await using service = await startEmbedded(env('main', cache));
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
  });
});
