import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiService, expectProblem, startApiService } from '../support/api-client.ts';

describe('the form of a link', () => {
  let api: ApiService;
  beforeAll(async () => {
    api = await startApiService('SQLite', { LIMIT_REDIRECT: '1/h burst 6', LIMIT_MISS: '1/h burst 2' });
  });
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
  });
  const postAll = async (client: string, codes: readonly string[]): Promise<number[]> => {
    const statuses: number[] = [];
    for (const code of codes) {
      const headers = { 'x-forwarded-for': client };
      const body = new URLSearchParams({ password: 'guess' });
      const answer = await fetch(`${api.url}/${code}`, { method: 'POST', redirect: 'manual', headers, body });
      const text = await answer.text();
      if (answer.status === 429) {
        expectProblem({ status: 429, headers: answer.headers, text, body: JSON.parse(text) });
      }
      statuses.push(answer.status);
    }
    return statuses;
  };
  const loads = async (): Promise<number> => {
    const { text } = await api.visit('/metrics');
    return Number(/^spillway_cache_gets_total\{cache="links",from="loader"\} (\d+)$/m.exec(text)?.[1] ?? 0);
  };

  test('may be sent to as many codes that nobody has as a GET may', async () => {
    // Two are free, the third is found out, the fourth is not looked up any more.
    expect(await postAll('198.51.100.1', ['no-one', 'no-two', 'no-three', 'no-four'])).toEqual([404, 404, 404, 429]);
    expect((await api.visit('/no-five', { 'x-forwarded-for': '198.51.100.1' })).status).toBe(429);
    expect((await api.visit('/no-five', { 'x-forwarded-for': '198.51.100.2' })).status).toBe(404);
  });

  test('is a visit like another to the limit of redirects, whatever the code', async () => {
    const { code } = await api.create();
    expect((await api.visit(`/${code}`, { 'x-forwarded-for': '198.51.100.3' })).status).toBe(302);
    expect(await postAll('198.51.100.3', Array(6).fill(code))).toEqual([405, 405, 405, 405, 405, 429]);
    expect((await api.visit(`/${code}`, { 'x-forwarded-for': '198.51.100.3' })).status).toBe(429);
  });

  test('is looked up in the cache first, so that codes without a password cost the database nothing', async () => {
    const { code } = await api.create();
    await api.visit(`/${code}`, { 'x-forwarded-for': '198.51.100.4' });
    const atFirst = await loads();
    await postAll('198.51.100.4', ['nobody-here']);
    const before = await loads();
    expect(before).toBe(atFirst + 1);
    expect(await postAll('198.51.100.4', [code, 'nobody-here', code])).toEqual([405, 404, 405]);
    expect(await loads()).toBe(before);
  });

  test('counts wrong passwords by client and link, beside that', async () => {
    const { code } = await api.create({ password: 'open sesame' });
    expect(await postAll('198.51.100.5', Array(7).fill(code))).toEqual([403, 403, 403, 403, 403, 403, 429]);
  });
});

describe('guesses of a password', () => {
  let api: ApiService;
  beforeAll(async () => {
    api = await startApiService('SQLite', { LIMIT_PASSWORD: '1/h burst 3' });
  });
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
  });
  const post = async (code: string, client: string, body: string, type: string | undefined) => {
    const answer = await fetch(`${api.url}/${code}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'x-forwarded-for': client, ...(type === undefined ? {} : { 'content-type': type }) },
      ...(type === undefined ? {} : { body }),
    });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };
  const form = 'application/x-www-form-urlencoded';
  const guess = (code: string, client: string, password: string) =>
    post(code, client, String(new URLSearchParams({ password })), form);

  test('right ones are not counted, and each wrong one tells how many are left', async () => {
    const { code } = await api.create({ password: 'open sesame' });
    const statuses: number[] = [];
    for (let i = 0; i < 6; i += 1) statuses.push((await guess(code, '198.51.100.1', 'open sesame')).status);
    expect(statuses).toEqual(Array(6).fill(303));
    for (const left of [2, 1, 0]) {
      const { status, headers } = await guess(code, '198.51.100.1', 'wrong');
      expect(status).toBe(403);
      expect(headers.get('ratelimit-policy')).toBe('"password";q=3;w=10800');
      expect(headers.get('ratelimit')).toContain(`"password";r=${left};`);
    }
    const refused = await guess(code, '198.51.100.1', 'open sesame');
    expect(refused.status).toBe(429);
    expectProblem({ ...refused, body: JSON.parse(refused.text) });
    expect((await guess(code, '198.51.100.2', 'open sesame')).status).toBe(303);
  });

  test('are no more than the limit allows, however many come at once', async () => {
    const { code } = await api.create({ password: 'open sesame' });
    const answers = await Promise.all(Array.from({ length: 20 }, () => guess(code, '198.51.100.3', 'wrong')));
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(3);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(17);
    for (const answer of refused) expectProblem({ ...answer, body: JSON.parse(answer.text) });
    expect((await guess(code, '198.51.100.3', 'open sesame')).status).toBe(429);
  });

  test('what is no form is told so, and costs none', async () => {
    const { code } = await api.create({ password: 'open sesame' });
    for (const type of ['application/json', 'text/plain', 'multipart/form-data; boundary=x', undefined, 'a b']) {
      const answer = await post(code, '198.51.100.4', '{"password":"open sesame"}', type);
      expect(answer.status, type).toBe(415);
      expect(answer.text).toContain('Content-Type: application/x-www-form-urlencoded');
      expectProblem({ ...answer, body: JSON.parse(answer.text) });
    }
    expect((await guess(code, '198.51.100.4', 'open sesame')).status).toBe(303);
  });
});

describe('API keys', () => {
  test('may be guessed as often as codes, by client, and those that are known go on', async () => {
    await using api = await startApiService('SQLite', { LIMIT_MISS: '1/h burst 2' });
    const made = await api.call('POST', '/api/v1/keys', { body: { name: 'a program', scopes: ['links:read'] } });
    const ask = async (client: string, key: string) =>
      (await api.call('GET', '/api/v1/links', { key, headers: { 'x-forwarded-for': client } })).status;
    const { key } = made.body;
    expect(await ask('198.51.100.1', key)).toBe(200);
    const guesses: number[] = [];
    for (let i = 0; i < 4; i += 1) guesses.push(await ask('198.51.100.1', `guess-${i}`));
    expect(guesses).toEqual([401, 429, 429, 429]);
    expect(await ask('198.51.100.1', key)).toBe(200);
    expect(await ask('198.51.100.2', 'guess')).toBe(401);
    // Codes are another matter.
    expect((await api.visit('/nobody', { 'x-forwarded-for': '198.51.100.1' })).status).toBe(404);
  });
});
