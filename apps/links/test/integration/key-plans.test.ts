import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiService, CONFIGURATIONS, startApiService } from '../support/api-client.ts';

const hourly = (name: string, capacity: number) => ({
  strategy: 'token-bucket',
  name,
  capacity,
  refill: { tokens: 1, every: '1h' },
});

describe.each(CONFIGURATIONS)('keys with plans on %s', (configuration) => {
  let api: ApiService;
  beforeAll(async () => {
    api = await startApiService(configuration);
  });
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
  });
  const makeKey = async (more: Record<string, unknown>): Promise<{ id: string; key: string }> => {
    const body = { name: 'a program', scopes: ['links:read', 'links:write'], ...more };
    const made = await api.call('POST', '/api/v1/keys', { body });
    expect(made.status, made.text).toBe(201);
    return made.body;
  };
  const list = (key: string) => api.call('GET', '/api/v1/links?limit=1', { key });
  const patch = (id: string, body: unknown) => api.call('PATCH', `/api/v1/keys/${id}`, { body });
  const left = ({ headers }: { headers: Headers }) => /;r=(\d+);/.exec(headers.get('ratelimit') ?? '')?.[1];

  test.each([
    ['free', 10],
    ['premium', 50],
  ])('G2: a key of the plan %s gets %i calls a minute, and a problem after that', async (plan, most) => {
    const { key } = await makeKey({ plan });
    const begun = performance.now();
    const answers = await Promise.all(Array.from({ length: most + 10 }, () => list(key)));
    // What came back meanwhile.
    const more = Math.ceil(((performance.now() - begun) / 60_000) * most);
    const allowed = answers.filter(({ status }) => status === 200);
    expect(allowed.length).toBeGreaterThanOrEqual(most);
    expect(allowed.length).toBeLessThanOrEqual(most + more);
    for (const { headers } of answers) expect(headers.get('ratelimit-policy')).toBe(`"${plan}";q=${most};w=60`);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.body).toMatchObject({
      type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
      'violated-policies': [plan],
    });
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    // Another key of the plan has its own.
    expect(left(await list((await makeKey({ plan })).key))).toBe(String(most - 1));
  });

  test('a key without a plan has the limit of all those, and the admin key none', async () => {
    const { key } = await makeKey({});
    expect((await list(key)).headers.get('ratelimit-policy')).toBe('"api";q=1000;w=10');
    expect((await api.call('GET', '/api/v1/links')).headers.get('ratelimit-policy')).toBeNull();
  });

  test('a batch costs as many as it has rows, and one that is refused costs nothing and makes nothing', async () => {
    const { key } = await makeKey({ plan: 'free', limits: [hourly('free', 10)] });
    const rows = (count: number, name: string) =>
      Array.from({ length: count }, (_, i) => ({ url: 'https://example.com/', alias: `${name}-${i}` }));
    const make = (count: number, name: string) =>
      api.call('POST', '/api/v1/links/batch', { key, body: { links: rows(count, name) } });
    const first = await make(4, 'fits');
    expect([first.status, left(first)]).toEqual([207, '6']);
    const second = await make(7, 'too-many');
    expect([second.status, left(second)]).toEqual([429, '6']);
    expect((await api.call('GET', '/api/v1/links/too-many-0')).status).toBe(404);
    expect(left(await make(6, 'rest'))).toBe('0');
    // What has nothing left is refused before its body is read.
    const unread = await api.call('POST', '/api/v1/links/batch', { key, body: '{' });
    expect(unread.status).toBe(429);
    // Never: there is no time to wait for, so this answer names none.
    const larger = await fetch(`${api.url}/api/v1/links/batch`, {
      method: 'POST',
      headers: { 'x-api-key': (await makeKey({ plan: 'free' })).key, 'content-type': 'application/json' },
      body: JSON.stringify({ links: rows(11, 'never') }),
    });
    expect([larger.status, larger.headers.get('retry-after')]).toEqual([429, null]);
    expect(((await larger.json()) as { detail: string }).detail).toContain('never allows more than 10 at once');
  });

  test('a batch that is repeated with its Idempotency-Key is charged once, other rows under that key anew', async () => {
    const { key } = await makeKey({ plan: 'free', limits: [hourly('free', 7)] });
    const make = async (count: number, idempotencyKey: string) => {
      const links = Array.from({ length: count }, (_, i) => ({ url: `https://example.com/${idempotencyKey}/${i}` }));
      const answer = await fetch(`${api.url}/api/v1/links/batch`, {
        method: 'POST',
        headers: { 'x-api-key': key, 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
        body: JSON.stringify({ links }),
      });
      const { results = [] } = (await answer.json()) as { results?: readonly { status: number }[] };
      return [answer.status, left(answer), results.filter(({ status }) => status === 200).length];
    };
    expect(await make(4, 'once')).toEqual([207, '3', 0]);
    expect(await make(4, 'once')).toEqual([207, '3', 4]);
    expect(await make(5, 'once')).toEqual([429, '3', 0]);
    expect(await make(3, 'rest')).toEqual([207, '0', 0]);
    // Also for who has nothing left.
    expect(await make(3, 'rest')).toEqual([207, '0', 3]);
    expect(await make(1, 'more')).toEqual([429, '0', 0]);
  });

  test('a change of plan and limits holds for the next call, and what was taken stays taken', async () => {
    const { id, key } = await makeKey({ plan: 'free', limits: [hourly('free', 5)] });
    expect(left(await list(key))).toBe('4');
    expect((await patch(id, { limits: [hourly('free', 20)] })).body).toMatchObject({
      plan: 'free',
      limits: [hourly('free', 20)],
    });
    const more = await list(key);
    expect(more.headers.get('ratelimit-policy')).toBe('"free";q=20;w=72000');
    expect(Number(left(more))).toBeLessThan(20);
    expect((await patch(id, { plan: 'premium', limits: null })).body).toMatchObject({ plan: 'premium', limits: null });
    expect((await list(key)).headers.get('ratelimit-policy')).toBe('"premium";q=50;w=60');
    expect((await patch(id, { plan: null })).body.plan).toBeNull();
    expect((await list(key)).headers.get('ratelimit-policy')).toBe('"api";q=1000;w=10');
    const { body } = await api.call('GET', '/api/v1/keys');
    expect(body.data.find((each: { id: string }) => each.id === id)).toMatchObject({ plan: null, limits: null });
  });

  test('a plan that there is not, and limits that fit none, are refused by field', async () => {
    const { id } = await makeKey({ plan: 'free' });
    const faults = async (body: unknown) => {
      const answer = await patch(id, body);
      expect(answer.status, answer.text).toBe(422);
      return answer.body.errors.map(({ field, message }: { field: string; message: string }) => `${field} ${message}`);
    };
    expect(await faults({ plan: 'gold' })).toEqual(['plan must be one of free, premium, got "gold"']);
    expect(await faults({ plan: 1 })).toEqual(['plan must be the name of a plan, or null, got 1']);
    expect(await faults({ plan: null, limits: [hourly('free', 5)] })).toEqual([
      'limits stand in place of those of a plan: give the key one, e.g. "plan": "free"',
    ]);
    expect(await faults({ limits: [hourly('other', 5)] })).toEqual([
      'limits "other" is no policy of plan "free"; name one that is, or change the plan',
    ]);
    expect(await faults({ limits: [{ ...hourly('free', 0), refill: { tokens: 1, every: 'soon' } }] })).toEqual([
      expect.stringMatching(/^limits\.0\.capacity must be an integer .* got 0$/),
      expect.stringMatching(/^limits\.0\.refill\.every .*"soon"$/),
    ]);
    const slots = { strategy: 'concurrency', name: 'free', limit: 1, lease: '1m' };
    expect(await faults({ limits: [slots] })).toEqual([
      expect.stringMatching(/^limits\.0\.strategy must be one of token-bucket.* here, got "concurrency"$/),
    ]);
    const made = await api.call('POST', '/api/v1/keys', { body: { name: 'x', scopes: ['links:read'], plan: 'gold' } });
    expect(made.status).toBe(422);
    expect((await patch('key_of_nobody', { plan: 'free' })).status).toBe(404);
    expect((await patch('admin', { plan: 'free' })).status).toBe(409);
  });
});
