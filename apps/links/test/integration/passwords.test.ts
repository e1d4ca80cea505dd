import { startRedis, until } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { startApiService } from '../support/api-client.ts';
import { startEmbedded } from '../support/spillway.ts';

const open = (url: string, password: string, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'POST', redirect: 'manual', headers, body: new URLSearchParams({ password }) });

describe('passwords', () => {
  test('a batch may have a hundred of them, more than wait in the queue at once; the rows beyond are refused', async () => {
    await using api = await startApiService('SQLite');
    const links = Array.from({ length: 104 }, (_, i) => ({
      url: `https://example.com/${i}`,
      ...(i < 2 ? {} : { password: `password ${i}` }),
    }));
    const { status, body } = await api.call('POST', '/api/v1/links/batch', { body: { links } });
    expect(status).toBe(207);
    const statuses = body.results.map((row: { status: number }) => row.status);
    expect(statuses).toEqual([...Array(102).fill(201), 422, 422]);
    expect(body.results[102].problem.errors).toEqual([
      { field: 'password', message: 'only 100 links of a batch may have one; send this link in another batch' },
    ]);
    for (const i of [2, 101]) {
      const short = body.results[i].link.shortUrl;
      expect((await open(short, 'password 0')).status).toBe(403);
      expect((await open(short, `password ${i}`)).headers.get('location')).toBe(links[i]?.url);
    }
  });

  test('no hash of one is ever in Redis, in the metrics or in an answer', async () => {
    await using redis = await startRedis();
    await using api = await startApiService('PostgreSQL and Redis', { REDIS_URL: redis.url });
    const link = await api.create({ password: 'open sesame' });
    const [{ password_hash: hash = '' } = {}] = (
      await api.instance.services.database.sql.query<{ password_hash: string }>(
        'SELECT password_hash FROM links WHERE code = $1',
        [link.code],
      )
    ).rows;
    expect(hash).toMatch(/^scrypt\$/);
    expect((await api.visit(`/${link.code}`)).status).toBe(200);
    expect((await open(link.shortUrl, 'wrong')).status).toBe(403);
    expect((await open(link.shortUrl, 'open sesame')).status).toBe(303);

    const READ: Record<string, string[]> = { string: ['GET'], hash: ['HGETALL'], stream: ['XRANGE', '-', '+'] };
    const stored = async () => {
      const keys = (await redis.command('KEYS', '*')) as string[];
      return Promise.all(
        keys.map(async (key) => {
          const [name, ...range] = READ[String(await redis.command('TYPE', key))] ?? ['EXISTS'];
          return [key, JSON.stringify(await redis.command(name ?? '', key, ...range))] as const;
        }),
      );
    };
    const entry = await until(async () => (await stored()).find(([key]) => key.includes(link.code)));
    expect(entry[1]).toContain(link.url);
    const said = [
      ...(await stored()).flat(),
      (await api.visit('/metrics')).text,
      ...(await Promise.all(
        ['', `/${link.code}`].map(async (path) => (await api.call('GET', `/api/v1/links${path}`)).text),
      )),
    ].join('\n');
    expect(said).not.toContain('scrypt');
    expect(said).not.toContain(hash.split('$').at(-1));
    expect(said).not.toContain('open sesame');
  });

  test('guesses do not keep others waiting: links are followed while many of them are being checked', async () => {
    await using service = await startEmbedded({ TRUSTED_PROXIES: 'loopback' });
    const create = async (body: Record<string, unknown>) => {
      const headers = { 'x-api-key': service.adminKey, 'content-type': 'application/json' };
      const answer = await fetch(`${service.url}/api/v1/links`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      });
      return ((await answer.json()) as { code: string }).code;
    };
    const guarded = await create({ url: 'https://example.com/secret', password: 'open sesame' });
    const plain = await create({ url: 'https://example.com/plain' });
    const answered: string[] = [];
    let refused = 0;
    const guesses = Array.from({ length: 40 }, async (_, i) => {
      const answer = await open(`${service.url}/${guarded}`, 'wrong', { 'x-forwarded-for': `198.51.100.${i}` });
      if (answer.status === 403) refused += 1;
      answered.push('guess');
    });
    await until(() => answered.length > 0, { everyMs: 1 });
    for (let i = 0; i < 10; i += 1) {
      expect((await fetch(`${service.url}/${plain}`, { redirect: 'manual' })).status).toBe(302);
    }
    answered.push('visits');
    await Promise.all(guesses);
    expect(refused).toBe(40);
    expect(answered.indexOf('visits')).toBeLessThan(answered.length - 1);
  });
});
