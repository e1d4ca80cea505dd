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
