import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiService, CONFIGURATIONS, startApiService } from '../support/api-client.ts';

const NUL = String.fromCharCode(0);
const HALF = String.fromCharCode(0xd8_00);

// PostgreSQL refuses both in text and in JSON, SQLite takes them: on either the API says so itself.
describe.each(CONFIGURATIONS.slice(0, 2))('text that a database can not hold, on %s', (configuration) => {
  let api: ApiService;
  beforeAll(async () => {
    api = await startApiService(configuration);
  });
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
  });
  const url = 'https://example.com/';

  test.each(['GET', 'PATCH', 'DELETE'])('%s of a link whose code holds a NUL is 404', async (method) => {
    const body = method === 'PATCH' ? { title: 'x' } : undefined;
    expect((await api.call(method, '/api/v1/links/%00', { body })).status).toBe(404);
  });

  test.each(['stats', 'clicks'])('so are its %s', async (part) => {
    expect((await api.call('GET', `/api/v1/links/%00/${part}`)).status).toBe(404);
  });

  test.each([
    ['POST', '/links', { url, title: `a${NUL}b` }, 'title'],
    ['POST', '/links', { url, title: `a${HALF}b` }, 'title'],
    ['POST', '/links', { url, tags: ['right', HALF] }, 'tags.1'],
    ['GET', '/links?search=a%00b', undefined, 'query.search'],
    ['GET', '/links?tag=%00', undefined, 'query.tag'],
    ['POST', '/keys', { name: `a${NUL}`, scopes: ['links:read'] }, 'name'],
    ['POST', '/keys', { name: HALF, scopes: ['links:read'] }, 'name'],
    ['PATCH', '/keys/%00', { name: 'x' }, 'path.id'],
    ['DELETE', '/keys/%00', undefined, 'path.id'],
  ])('%s %s %j is refused by its field', async (method, path, body, field) => {
    const answer = await api.call(method, `/api/v1${path}`, { body });
    expect(answer.status, answer.text).toBe(422);
    expect(answer.body.errors).toEqual([
      {
        field,
        message: expect.stringMatching(/^must have no control characters, and only whole Unicode characters, got "/),
      },
    ]);
  });

  test.each(['/links', '/links/batch'])(
    'half a character in a URL is refused by POST %s, not made U+FFFD',
    async (path) => {
      const link = { url: `https://example.com/caf${HALF}` };
      const { body } = await api.call('POST', `/api/v1${path}`, { body: path === '/links' ? link : { links: [link] } });
      const problem = body.results?.[0].problem ?? body;
      expect(problem).toMatchObject({ status: 422, errors: [{ field: 'url' }] });
      expect(problem.errors[0].message).toMatch(/^must have only whole Unicode characters, .* got ".*caf\\ud800"$/);
    },
  );

  test('a cursor that holds a NUL is none of ours', async () => {
    const cursor = Buffer.from(JSON.stringify(['code', NUL, 1])).toString('base64url');
    const answer = await api.call('GET', `/api/v1/links?sort=code&cursor=${cursor}`);
    expect(answer).toMatchObject({ status: 422, body: { errors: [{ field: 'query.cursor' }] } });
  });

  test('one such row of a batch does not fail the others', async () => {
    const links = [
      { url, title: HALF },
      { url, tags: [`x${HALF}`] },
      { url, title: 'whole 🙂' },
    ];
    const { status, body } = await api.call('POST', '/api/v1/links/batch', { body: { links } });
    expect(status).toBe(207);
    expect(body.results.map((row: { status: number }) => row.status)).toEqual([422, 422, 201]);
    expect(body.results[2].link.title).toBe('whole 🙂');
  });
});
