import { until } from '@spillway/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RequestRecord, showClient } from '../../src/requests/request.ts';
import { createRequestWriter } from '../../src/requests/write-requests.ts';
import { type ApiService, CONFIGURATIONS, startApiService } from '../support/api-client.ts';
import { createClientHash } from '../support/client-hash.ts';

const MINUTE_MS = 60_000;

describe.each(CONFIGURATIONS)('the log of requests on %s', (configuration) => {
  let api: ApiService;
  beforeAll(async () => {
    api = await startApiService(configuration, {
      REQUESTS_SAMPLE: '1',
      LIMIT_API: '1/h burst 3',
      LIMIT_REDIRECT: '1/h burst 2',
    });
  });
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
  });
  const hashOf = (ip: string): string => createClientHash(api.instance.services.secret)(ip);
  const get = async (path: string) => {
    const answer = await api.call('GET', `/api/v1/requests${path}`);
    expect(answer.status, answer.text).toBe(200);
    return answer.body;
  };
  /** The log's rows of a client, once there are so many, oldest first. */
  const rowsOf = (ip: string, count: number) =>
    until(async () => {
      const { data } = await get(`?client=${hashOf(ip)}`);
      return data.length >= count ? data.toReversed() : undefined;
    });

  test('shows calls and redirects, allowed and limited, with key, client, route and policy; nothing that names a client or is a key', async () => {
    const made = await api.call('POST', '/api/v1/keys', { body: { name: 'busy', scopes: ['links:read'] } });
    const { key, id } = made.body;
    const { code } = await api.create({ password: 'not to be told' });
    const open = await api.create();
    const ip = '203.0.113.50';
    const headers = { 'x-forwarded-for': ip };
    for (let call = 0; call < 4; call += 1) await api.call('GET', `/api/v1/links/${code}`, { key, headers });
    await api.call('DELETE', `/api/v1/links/${code}`, { key: 'spw_made-up-key-0123456789', headers });
    await api.call('GET', '/api/v1/nothing-at-all?q=secret', { headers });
    await api.call('GET', '/%ZZ', { headers });
    for (let visit = 0; visit < 3; visit += 1) await api.visit(`/${open.code}?secret=1`, headers);
    await fetch(`${api.url}/${code}`, {
      method: 'POST',
      headers: { ...headers, 'x-forwarded-for': '203.0.113.51' },
      body: new URLSearchParams({ password: 'wrong' }),
    });

    await fetch(`${api.url}/${code}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'x-forwarded-for': '203.0.113.52' },
      body: new URLSearchParams({ password: 'not to be told' }),
    });

    const rows = await rowsOf(ip, 10);
    const call = {
      key: id,
      client: hashOf(ip),
      method: 'GET',
      route: '/api/v1/links/:code',
      policy: 'api',
      cost: 1,
      weight: 1,
    };
    const visit = { ...call, key: null, route: '/:code', policy: 'redirect' };
    const withoutTime = rows.map(({ at, ...row }: { at: string }) => row);
    const byRoute = (route: string) => withoutTime.filter((row: { route: string }) => row.route === route);
    expect(rows).toHaveLength(10);
    expect(byRoute('/:code')).toEqual([
      { ...visit, status: 302, outcome: 'allowed' },
      { ...visit, status: 302, outcome: 'allowed' },
      { ...visit, status: 429, outcome: 'limited' },
    ]);
    expect(byRoute('/api/v1/links/:code')).toEqual([
      ...Array(3).fill({ ...call, status: 200, outcome: 'allowed' }),
      { ...call, status: 429, outcome: 'limited' },
      { ...call, key: null, method: 'DELETE', status: 401, outcome: 'unauthorized', policy: null },
    ]);
    expect(byRoute('none')).toEqual([
      { ...call, key: null, route: 'none', status: 404, outcome: 'not-found', policy: null },
      { ...call, key: null, route: 'none', status: 400, outcome: 'refused', policy: null },
    ]);
    expect(await rowsOf('203.0.113.51', 1)).toMatchObject([
      { key: null, method: 'POST', route: '/:code', status: 403, outcome: 'unauthorized', policy: 'password' },
    ]);
    // What a password let through is a call: recorded as such, and not as a redirect besides.
    expect(await rowsOf('203.0.113.52', 1)).toMatchObject([
      { method: 'POST', route: '/:code', status: 303, weight: 1 },
    ]);
    const { rows: kept } = await api.instance.services.database.reports.query(
      'SELECT CAST(client AS TEXT) AS client, key_id, method, route, policy FROM requests',
    );
    const text = JSON.stringify(kept);
    for (const hidden of [ip, key, 'secret', 'made-up', 'nothing-at-all', 'not to be told', code]) {
      expect(text).not.toContain(hidden);
    }
    expect(JSON.stringify((await get('/offenders?by=key')).mostLimited)).toContain(id);
  });

  test('operations are not recorded, the admin key is, and a batch costs its rows', async () => {
    const ip = '203.0.113.60';
    const headers = { 'x-forwarded-for': ip };
    for (const path of ['/healthz', '/readyz', '/metrics']) await fetch(api.url + path, { headers });
    const links = [{ url: 'https://example.com/1' }, { url: 'https://example.com/2' }, { url: 'no link' }];
    await api.call('POST', '/api/v1/links/batch', { body: { links }, headers });
    expect(await rowsOf(ip, 1)).toMatchObject([
      { key: 'admin', method: 'POST', route: '/api/v1/links/batch', status: 207, cost: 3, policy: null },
    ]);
  });

  test('a check of a limit is recorded by its decision: which policy refused, and that it was no limited call', async () => {
    const scopes = ['limits:check'];
    const made = await api.call('POST', '/api/v1/keys', { body: { name: 'checks', scopes, plan: 'premium' } });
    const { key, id } = made.body;
    const ip = '203.0.113.65';
    const policies = ['few', 'many'].map((name) => ({
      ...{ strategy: 'fixed-window', name, window: '10h' },
      limit: name === 'few' ? 2 : 100,
    }));
    const check = async (more: object) => {
      const body = { policies: policies.toReversed(), key: 'a user', ...more };
      const answer = await api.call('POST', '/api/v1/limits/check', { key, body, headers: { 'x-forwarded-for': ip } });
      return [answer.status, answer.body.outcome];
    };
    expect(await check({ cost: 2 })).toEqual([200, 'allowed']);
    expect(await check({})).toEqual([200, 'denied']);
    // A look is not refused, whatever it says.
    expect(await check({ action: 'peek' })).toEqual([200, 'denied']);
    const rows = await rowsOf(ip, 3);
    const row = { key: id, route: '/api/v1/limits/check', status: 200, weight: 1 };
    expect(rows).toMatchObject([
      { ...row, outcome: 'allowed', cost: 2 },
      { ...row, outcome: 'denied', policy: 'few', cost: 1 },
      { ...row, outcome: 'allowed' },
    ]);
    expect((await get(`?client=${hashOf(ip)}&outcome=denied`)).data).toEqual([rows[1]]);
    const { mostLimited, mostRequests } = await get('/offenders?route=/api/v1/limits/check');
    expect(mostLimited).toEqual([]);
    expect(mostRequests).toMatchObject([{ subject: id, requests: 3, limited: 0, denied: 1 }]);
  });

  test('a local caller without a key is nobody: its address is not kept as if it were a key', async () => {
    const local = await fetch(`${api.url}/api/v1/links`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"url":"https://example.com/"}',
    });
    expect(local.status).toBe(201);
    const rows = await until(async () => {
      const { data } = await get('?route=/api/v1/links&limit=1000');
      const mine = data.filter((row: { key: string | null; status: number }) => row.key === null && row.status === 201);
      return mine.length > 0 ? mine : undefined;
    });
    expect(rows[0]).toMatchObject({ key: null, method: 'POST', policy: 'create' });
  });

  test('pages, filters and ranges', async () => {
    const ip = '203.0.113.70';
    for (let call = 0; call < 5; call += 1)
      await api.call('GET', '/api/v1/links', { headers: { 'x-forwarded-for': ip } });
    const all = await rowsOf(ip, 5);
    const client = `client=${hashOf(ip)}`;
    const first = await get(`?${client}&limit=3`);
    const second = await get(`?${client}&limit=3&cursor=${first.nextCursor}`);
    expect(second.nextCursor).toBeNull();
    expect([...first.data, ...second.data].toReversed()).toEqual(all);
    expect((await get(`?${client}&outcome=allowed&key=admin&route=/api/v1/links`)).data).toHaveLength(5);
    expect((await get(`?${client}&outcome=limited`)).data).toEqual([]);
    expect((await get(`?${client}&to=${all[0].at}`)).data).toEqual([]);
    expect((await get(`?${client}&from=${all[0].at}`)).data).toHaveLength(5);
    const offenders = await get(`/offenders?by=client&route=/api/v1/links&limit=1000`);
    const mine = offenders.mostRequests.find(({ subject }: { subject: string }) => subject === hashOf(ip));
    expect(mine).toMatchObject({ requests: 5, limited: 0, limitedShare: 0, recorded: 5 });
    expect(offenders.by).toBe('client');
    expect(Date.parse(offenders.to) - Date.parse(offenders.from)).toBe(86_400_000);
  });

  test('a rate that rises is found, for keys and for clients', async () => {
    const { sql } = api.instance.services.database;
    const nowMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
    const record = (atMs: number, client: bigint): RequestRecord => ({
      ...{ atMs, client, key: 'key_steady', method: 'GET', route: '/api/v1/links', status: 200 },
      ...{ policy: 'api', cost: 1, weight: 1 },
    });
    const times = (perMinute: number, fromMinute: number, toMinute: number) =>
      Array.from(
        { length: perMinute * (toMinute - fromMinute) },
        (_, at) => nowMs + fromMinute * MINUTE_MS + (at * MINUTE_MS) / perMinute,
      );
    const records = [
      ...times(4, -20, 0).map((atMs) => record(Math.floor(atMs), 5n)),
      ...times(60, -1, 0).map((atMs) => record(Math.floor(atMs), 6n)),
    ];
    const write = createRequestWriter({ dialect: sql.dialect });
    await sql.transaction((transaction) => write(transaction, records));
    const to = new Date(nowMs).toISOString();
    const byClient = await get(`/changes?by=client&window=1m&to=${to}`);
    expect(byClient).toMatchObject({ to, by: 'client', windows: 12, from: new Date(nowMs - MINUTE_MS).toISOString() });
    expect(
      byClient.data.filter(({ subject }: { subject: string }) => [showClient(5n), showClient(6n)].includes(subject)),
    ).toEqual([{ subject: showClient(6n), requests: 60, limited: 0, baseline: 0, spread: 1, score: 60, ratio: null }]);
    const [byKey] = (await get(`/changes?window=1m&to=${to}`)).data.filter(
      ({ subject }: { subject: string }) => subject === 'key_steady',
    );
    expect(byKey).toMatchObject({ requests: 64, baseline: 4, spread: 2, score: 30, ratio: 16 });
  });

  test('what is asked wrongly is told with its remedy', async () => {
    for (const [path, field, message] of [
      ['?cursor=x', 'query.cursor', /must be the "nextCursor" of a page before, got "x"/],
      ['?cursor=%00', 'query.cursor', /must be the "nextCursor"/],
      ['?limit=0', 'query.limit', /must be a whole number from 1 to 1000, got 0/],
      ['?from=yesterday', 'query.from', /must be a time like .* got "yesterday"/],
      ['?from=2026-01-02&to=2026-01-01', 'query.from', /must be before "to"/],
      ['?from=1969-01-01', 'query.from', /must be a time from 1970 to 9999, got "1969-01-01"/],
      ['?client=127.0.0.1', 'query.client', /16 of 0-9 and a-f, got "127.0.0.1"/],
      ['?outcome=stopped', 'query.outcome', /must be one of allowed, limited, .* got "stopped"/],
      ['?key=', 'query.key', /must be text of 1 to 100 characters/],
      ['?key=a%00b', 'query.key', /must have no control characters/],
      ['?route=', 'query.route', /must be text of 1 to 200 characters/],
      ['?who=me', 'query.who', /is not known here/],
      ['/offenders?by=route', 'query.by', /must be key or client, got "route"/],
      ['/offenders?limit=1e3', 'query.limit', /must be a whole number/],
      ['/offenders?from=2026-01-01T00:01:00Z&to=2026-01-01', 'query.from', /must be before "to"/],
      ['/offenders?to=9999-12-31T23:59:30Z', 'query.to', /must be a time from 1970 to 9999/],
      ['/changes?window=90s', 'query.window', /whole minutes from 1m to 12h, like "5m", got "90s"/],
      ['/changes?window=1d', 'query.window', /from 1m to 12h/],
      ['/changes?window=-5m', 'query.window', /from 1m to 12h/],
      ['/changes?by=anyone', 'query.by', /must be key or client/],
    ] as const) {
      const answer = await api.call('GET', `/api/v1/requests${path}`);
      expect(answer.status, path).toBe(422);
      expect(answer.body.errors, path).toEqual([{ field, message: expect.stringMatching(message) }]);
    }
    for (const path of ['', '/offenders', '/changes']) {
      expect((await api.call('GET', `/api/v1/requests${path}`, { key: null })).status).toBe(401);
      const { key } = (
        await api.call('POST', '/api/v1/keys', { body: { name: 'reader', scopes: ['links:read', 'stats:read'] } })
      ).body;
      expect((await api.call('GET', `/api/v1/requests${path}`, { key })).status).toBe(403);
    }
  });

  test('a log that has nothing of that time says so', async () => {
    const empty = '?from=2001-01-01&to=2001-01-02';
    expect(await get(empty)).toEqual({ data: [], nextCursor: null });
    expect(await get(`/offenders${empty}`)).toMatchObject({ mostLimited: [], mostRequests: [] });
    expect(await get('/changes?to=2001-01-02')).toMatchObject({ windows: 0, data: [] });
  });
});

test('with REQUESTS_KEEP=off nothing is recorded', async () => {
  await using api = await startApiService('SQLite', { REQUESTS_KEEP: 'off', REQUESTS_SAMPLE: '1' });
  const { code } = await api.create();
  await api.visit(`/${code}`);
  expect(api.instance.services.requests.events).toBeUndefined();
  expect((await api.call('GET', '/api/v1/requests')).body.data).toEqual([]);
});
