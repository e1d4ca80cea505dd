import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, type ApiService, startApiService } from '../support/api-client.ts';

describe('a limited route', () => {
  let api: ApiService;
  let key: string;
  beforeAll(async () => {
    api = await startApiService('SQLite', {
      LIMIT_API: '1/h burst 6',
      LIMIT_CREATE: '1/h burst 2',
      LIMIT_REDIRECT: '1/h burst 4',
      LIMIT_MISS: '1/h burst 2',
      ANONYMOUS_CREATE: 'limited',
    });
    const scopes = ['links:read', 'links:write', 'limits:check'];
    key = (await api.call('POST', '/api/v1/keys', { body: { name: 'a program', scopes } })).body.key;
  });
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
  });
  const told = ({ status, headers }: Answer) => ({
    status,
    policy: headers.get('ratelimit-policy'),
    left: /;r=(\d+);/.exec(headers.get('ratelimit') ?? '')?.[1],
  });

  test('tells a key what is left with every answer, also with those that are errors', async () => {
    const policy = '"api";q=6;w=21600';
    const call = async (method: string, path: string, body?: unknown) =>
      told(await api.call(method, `/api/v1${path}`, { key, body }));
    expect(await call('GET', '/links')).toEqual({ status: 200, policy, left: '5' });
    expect(await call('GET', '/links/nobody')).toEqual({ status: 404, policy, left: '4' });
    expect(await call('POST', '/links', {})).toEqual({ status: 422, policy, left: '3' });
    expect(await call('POST', '/links', '{')).toEqual({ status: 400, policy, left: '2' });
    // This one is asked about another limit, and answers with that.
    const check = await call('POST', '/limits/check', { policy: 'free', key: 'a' });
    expect(check).toEqual({ status: 200, policy: '"free";q=10;w=60', left: '9' });
    expect(await call('DELETE', '/links/nobody')).toEqual({ status: 404, policy, left: '0' });
    expect(await call('GET', '/links')).toEqual({ status: 429, policy, left: '0' });
  });

  test('tells the admin key nothing, since it has no limit', async () => {
    expect(told(await api.call('GET', '/api/v1/links'))).toEqual({ status: 200, policy: null, left: undefined });
  });

  test('tells clients without a key', async () => {
    const create = async (url: string) => told(await api.call('POST', '/api/v1/links', { key: null, body: { url } }));
    const policy = '"create";q=2;w=7200';
    expect(await create('https://example.com/')).toEqual({ status: 201, policy, left: '1' });
    expect(await create('ftp://example.com/')).toEqual({ status: 422, policy, left: '0' });
    expect(await create('https://example.com/')).toEqual({ status: 429, policy, left: '0' });
  });

  test('tells who follows links once that is refused, by the limit that refused it', async () => {
    const { code } = await api.create();
    const none = { policy: null, left: undefined };
    const visitor = { 'x-forwarded-for': '198.51.100.1' };
    for (let i = 0; i < 4; i += 1) expect(told(await api.visit(`/${code}`, visitor))).toEqual({ status: 302, ...none });
    const redirects = { status: 429, policy: '"redirect";q=4;w=14400', left: '0' };
    expect(told(await api.visit(`/${code}`, visitor))).toEqual(redirects);
    const guesser = { 'x-forwarded-for': '198.51.100.2' };
    for (const name of ['no-a', 'no-b', 'no-c'])
      expect(told(await api.visit(`/${name}`, guesser))).toEqual({ status: 404, ...none });
    const misses = { status: 429, policy: '"miss";q=2;w=7200', left: '0' };
    const refused = await api.visit('/no-d', guesser);
    expect(told(refused)).toEqual(misses);
    const [wait, refill] = [
      refused.headers.get('retry-after'),
      /;t=(\d+)/.exec(refused.headers.get('ratelimit') ?? '')?.[1],
    ];
    expect(Number(wait)).toBeGreaterThanOrEqual(Number(refill));
    // The form of a link counts as well, and is told the same.
    const third = { 'x-forwarded-for': '198.51.100.3' };
    for (let i = 0; i < 4; i += 1) await api.visit(`/${code}`, third);
    expect(told(await api.call('POST', `/${code}`, { key: null, headers: third }))).toEqual(redirects);
  });
});
