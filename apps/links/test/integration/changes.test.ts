import {
  createDatabaseIn,
  type RedisServer,
  startFaultProxy,
  startPostgres,
  startRedis,
  until,
} from '@spillway/testkit';
import pg from 'pg';
import { describe, expect, inject, test } from 'vitest';
import { type ApiService, startApiService } from '../support/api-client.ts';

/** The entry, and for a moment the lease of its load. */
const cachedKeys = async (redis: RedisServer, code: string) =>
  (await redis.command('KEYS', `*cache*${code}*`)) as string[];

describe('changes reach every cache', () => {
  test('G5: a Redis put back to an old snapshot does not bring an old target back', async () => {
    await using redis = await startRedis();
    // Without L1, so that what is seen is what L2 holds.
    await using api = await startApiService('PostgreSQL and Redis', { REDIS_URL: redis.url, CACHE_L1: 'off' });
    const linkState = () => api.instance.services.redis?.main.state;
    await until(() => linkState() === 'up', { timeoutMs: 5_000 });
    const { code } = await api.create({ url: 'https://example.com/before' });
    const target = async () => (await api.visit(`/${code}`)).headers.get('location');
    expect(await target()).toBe('https://example.com/before');
    await until(async () => api.instance.services.cache.stats().l2.filled > 0, { timeoutMs: 5_000 });
    await until(async () => (await cachedKeys(redis, code)).length === 1);
    await redis.command('SET', 'age', 'old');
    await redis.saveSnapshot();
    await redis.command('SET', 'age', 'new');
    await api.call('PATCH', `/api/v1/links/${code}`, { body: { url: 'https://example.com/after' } });
    expect(await target()).toBe('https://example.com/after');

    let noticed = false;
    api.instance.services.redis?.main.onState((state) => {
      noticed ||= state !== 'up';
    });
    await redis.restoreSnapshot();
    await until(() => noticed && linkState() === 'up' && api.instance.services.cache.stats().l2.bypassed === 'none', {
      timeoutMs: 20_000,
    });
    expect(await redis.command('GET', 'age')).toBe('old');
    expect(await cachedKeys(redis, code)).toHaveLength(0);
    expect(await target()).toBe('https://example.com/after');
  });

  test('G5: a Redis put back to a snapshot older than the outbox does not bring an old target back', async () => {
    // A user who may not ask the server since when it runs.
    await using redis = await startRedis({ config: { user: 'app on nopass ~* &* +@all -info' } });
    const database = await createDatabaseIn(inject('postgresUrl'));
    const env = {
      DATABASE_URL: database.url,
      REDIS_URL: redis.url.replace('//', '//app:any@'),
      REDIS_PREFIX: 'older',
      CACHE_L1: 'off',
      CACHE_TTL: '7d',
    };
    let code = '';
    {
      await using api = await startApiService('PostgreSQL and Redis', env);
      const { cache, store } = api.instance.services;
      code = (await api.create({ url: 'https://example.com/before' })).code;
      await until(async () => (await api.visit(`/${code}`)).status === 302 && cache.stats().answers.l2 > 0);
      await until(async () => ((await redis.command('KEYS', '*applied*')) as string[]).length === 1);
      // As if it were four days old: in that time what has a shorter life goes by itself.
      for (const key of (await redis.command('KEYS', '*')) as string[]) {
        await redis.command('PEXPIRE', key, Number(await redis.command('PTTL', key)) - 4 * 86_400_000);
      }
      await until(async () => (await cachedKeys(redis, code)).length === 1);
      await redis.saveSnapshot();
      await api.call('PATCH', `/api/v1/links/${code}`, { body: { url: 'https://example.com/after' } });
      // As if the change were older than what the outbox keeps.
      await store.forgetOld(Date.now() + 1);
    }
    await redis.restoreSnapshot();
    expect(await cachedKeys(redis, code)).toHaveLength(1);
    await using api = await startApiService('PostgreSQL and Redis', env);
    await until(() => api.instance.services.cache.stats().l2.bypassed === 'none');
    expect((await api.visit(`/${code}`)).headers.get('location')).toBe('https://example.com/after');
  });

  test('G5: while the truth is away, what Redis may hold in an old version stands in, and is not taken for fresh', async () => {
    await using redis = await startRedis();
    await using postgres = await startPostgres({ fast: true });
    // One entry in L1, so that another link drives the first one out.
    const env = { DATABASE_URL: postgres.url, REDIS_URL: redis.url, CACHE_ENTRIES: '1' };
    await using api = await startApiService('PostgreSQL and Redis', env);
    const { cache, redis: links } = api.instance.services;
    const { code } = await api.create();
    const target = async () => (await api.visit(`/${code}`)).headers.get('location');
    await until(async () => {
      expect((await api.visit(`/${(await api.create()).code}`)).status).toBe(302);
      return (await target()) === 'https://example.com/target' && cache.stats().answers.l2 > 0;
    });
    expect((await api.visit(`/${(await api.create()).code}`)).status).toBe(302);
    redis.pause();
    await until(() => links?.main.state === 'down');
    {
      await using other = await otherInstance(api);
      await other.begin(code, 'https://example.com/other');
      await other.commit();
    }
    await postgres.kill();
    redis.resume();
    await until(() => links?.main.state === 'up' && cache.stats().l2.bypassed === 'none');
    const { l2, stale } = cache.stats().answers;
    expect(await target()).toBe('https://example.com/target');
    expect(cache.stats().answers).toMatchObject({ l2, stale: stale + 1 });
    await postgres.restart();
    const body = { url: 'https://example.com/' };
    await until(async () => (await api.call('POST', '/api/v1/links', { body })).status === 201);
    expect(await target()).toBe('https://example.com/other');
  });

  test('G5: a change whose maker died before telling anyone shows on the others, also one that was long in committing', async () => {
    // Without L1, so that nothing mends itself by its age.
    await using api = await startApiService('PostgreSQL and Redis', { CACHE_L1: 'off' });
    await using other = await otherInstance(api);
    await until(() => api.instance.services.cache.stats().l2.bypassed === 'none', { timeoutMs: 10_000 });
    const [quick, slow] = [(await api.create()).code, (await api.create()).code];
    const target = async (code: string) => (await api.visit(`/${code}`)).headers.get('location');
    // What is filled in the first moment of a Redis that is not known yet does not count.
    const { cache } = api.instance.services;
    for (const code of [quick, slow]) {
      const { l2 } = cache.stats().answers;
      await until(async () => (await target(code)) === 'https://example.com/target' && cache.stats().answers.l2 > l2);
    }
    await other.begin(slow, 'https://example.com/slow');
    await using second = await otherInstance(api);
    await second.begin(quick, 'https://example.com/quick');
    await second.commit();
    await until(async () => (await target(quick)) === 'https://example.com/quick', { timeoutMs: 5_000 });
    // The feed has passed it over.
    expect(await target(slow)).toBe('https://example.com/target');
    await other.commit();
    await until(async () => (await target(slow)) === 'https://example.com/slow', { timeoutMs: 5_000 });
  });

  // Side by side: each has servers of its own, and waits for seconds.
  test.each(['late', 'never'])(
    'G4: a link that its maker could tell Redis of only later, and the others %s, redirects when all goes away right then',
    { concurrent: true },
    async (told) => {
      await using redis = await startRedis();
      await using postgres = await startPostgres({ fast: true });
      await using proxy = await startFaultProxy({ target: { port: redis.port } });
      const env = { DATABASE_URL: postgres.url, REDIS_PREFIX: 'late' };
      const name = 'PostgreSQL and Redis';
      await using maker = await startApiService(name, { ...env, REDIS_URL: proxy.url(redis.url) });
      await using other = await startApiService(name, { ...env, REDIS_URL: redis.url });
      const settled = ({ instance: { services } }: ApiService) => {
        const { pendingDeletes, bypassed } = services.cache.stats().l2;
        return services.redis?.main.state === 'up' && pendingDeletes === 0 && bypassed === 'none';
      };
      await until(() => settled(maker) && settled(other), { timeoutMs: 10_000 });
      if (told === 'late') proxy.delay(150);
      else proxy.hang();
      const { code } = await maker.create();
      expect((await other.visit(`/${code}`)).status).toBe(302);
      expect(maker.instance.services.cache.stats().l2.pendingDeletes).toBeGreaterThan(0);
      await proxy.restore();
      await until(() => settled(maker), { timeoutMs: 10_000 });
      await Promise.all([redis.kill(), postgres.kill()]);
      expect((await other.visit(`/${code}`)).headers.get('location')).toBe('https://example.com/target');
    },
  );

  test('G5: without Redis too, before what the others remember is too old', async () => {
    await using api = await startApiService('PostgreSQL');
    await using other = await otherInstance(api);
    await until(() => api.instance.services.neighbours.bus?.live === true);
    const { code } = await api.create();
    const target = async () => (await api.visit(`/${code}`)).headers.get('location');
    expect(await target()).toBe('https://example.com/target');
    await other.begin(code, 'https://example.com/other');
    await other.commit();
    const committedMs = performance.now();
    await until(async () => (await target()) === 'https://example.com/other', { timeoutMs: 5_000 });
    // By itself L1 would ask again after 5 s.
    expect(performance.now() - committedMs).toBeLessThan(4_500);
  });
});

/** Commits what another instance would have, and no more. */
async function otherInstance({ instance }: ApiService) {
  const { database } = instance.services.config;
  const client = new pg.Client({ connectionString: database.kind === 'postgres' ? database.url : '' });
  await client.connect();
  return {
    async begin(code: string, url: string) {
      await client.query('BEGIN');
      await client.query('UPDATE links SET url = $1 WHERE code = $2', [url, code]);
      await client.query('INSERT INTO changes (key, changed_at) VALUES ($1, $2)', [`/${code}`, Date.now()]);
    },
    commit: async () => void (await client.query('COMMIT')),
    [Symbol.asyncDispose]: () => client.end(),
  };
}
