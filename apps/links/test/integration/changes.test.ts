import { startRedis, until } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { startApiService } from '../support/api-client.ts';

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
    expect(await redis.command('KEYS', `*cache*${code}*`)).toHaveLength(1);
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
    expect(await redis.command('KEYS', `*cache*${code}*`)).toHaveLength(0);
    expect(await target()).toBe('https://example.com/after');
  });

  test('G5: a change whose maker died before telling anyone shows on the others', async () => {
    await using redis = await startRedis();
    await using api = await startApiService('PostgreSQL and Redis', { REDIS_URL: redis.url });
    const { code } = await api.create({ url: 'https://example.com/before' });
    const target = async () => (await api.visit(`/${code}`)).headers.get('location');
    expect(await target()).toBe('https://example.com/before');
    // What another instance would have committed, and no more.
    const { store, redis: links } = api.instance.services;
    await until(() => links?.main.state === 'up', { timeoutMs: 5_000 });
    const change = { url: 'https://example.com/after' };
    await until(
      async () => {
        // The feed starts at what it finds: a change right at its start may be before it.
        await store.update({ domainId: 1, code }, change, Date.now());
        return (await target()) === 'https://example.com/after';
      },
      { timeoutMs: 10_000 },
    );
  });
});
