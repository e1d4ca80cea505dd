import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_KEY, type ApiService, startApiService } from '../support/api-client.ts';
import { type RawAnswer, rawRequest, sendRaw } from '../support/raw-http.ts';

const KEY = { 'X-Api-Key': ADMIN_KEY };
const JSON_TYPE = { 'Content-Type': 'application/json' };

// What no well-behaved client sends, byte by byte. The API's own suite has the bad input that arrives in good HTTP.
describe('a hostile client', () => {
  let api: ApiService;
  let port: number;
  beforeAll(async () => {
    api = await startApiService('SQLite', { LIMIT_MISS: 'off' });
    port = Number(new URL(api.url).port);
  });
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
  });
  /** As `sendRaw`; the answer must be one that the API's description names, where it knows the path. */
  const send = async (bytes: string | Buffer, options?: Parameters<typeof sendRaw>[2]): Promise<RawAnswer> => {
    const answer = await sendRaw(port, bytes, options);
    const [, method = '', path = ''] = /^([A-Z]+) (?:http:\/\/[^/]+)?(\/[^ ?]*)/i.exec(bytes.toString('latin1')) ?? [];
    const statuses = api.documented(method, path);
    if (statuses !== undefined) expect(statuses, `${method} ${path.slice(0, 100)}`).toContain(answer.status);
    return answer;
  };
  const expectStatus = (answer: RawAnswer, status: number) => {
    expect(answer.status, answer.head).toBe(status);
    if (status < 400) return;
    expect(answer.head).toMatch(/^content-type: application\/problem\+json/im);
    expect(answer.head).toMatch(/^x-served-by: api-test\r?$/im);
    expect(JSON.parse(answer.body)).toMatchObject({
      status,
      title: expect.any(String),
      detail: expect.any(String),
      instance: expect.any(String),
    });
  };

  test.each([
    ['POST', '/api/v1/links', 422],
    ['DELETE', '/api/v1/links/nobody', 404],
    ['PATCH', '/api/v1/links/nobody', 422],
    ['OPTIONS', '/api/v1/links', 405],
    ['POST', '/nobody', 404],
  ])('%s %s with a content type and no body is answered, not waited for', async (method, path, status) => {
    expectStatus(await send(rawRequest(`${method} ${path}`, { ...KEY, ...JSON_TYPE })), status);
  });

  test.each([
    ['two lengths that differ', 'Content-Length: 2\r\nContent-Length: 3'],
    ['a length below zero', 'Content-Length: -2'],
    ['a length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked'],
    ['chunks that are not the last coding', 'Transfer-Encoding: chunked, identity'],
    ['an unknown coding', 'Transfer-Encoding: xchunked'],
    ['a folded header', 'X-A: a\r\n b'],
    ['a blank before the colon', 'X-A : a'],
    ['a control character in a header', 'X-A: a\u0001b'],
  ])('%s: refused, and nothing after it is read as a request', async (_name, headers) => {
    const smuggled = rawRequest('GET /healthz');
    const bytes = `POST /api/v1/links HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: ${ADMIN_KEY}\r\n${headers}\r\n\r\n0\r\n\r\n${smuggled}`;
    const answer = await send(bytes, { until: 'closed' });
    expectStatus(answer, 400);
    expect(answer.body).not.toMatch(/HTTP\/1\.1 \d/);
  });

  test.each([
    ['one host', 'HTTP/1.1\r\nHost: a', 302],
    ['HTTP/1.0 without a host', 'HTTP/1.0', 302],
    ['two hosts', 'HTTP/1.1\r\nHost: a\r\nhOST: b', 400],
    ['no host', 'HTTP/1.1', 400],
  ])('a link, from L1 and not, with %s', async (_name, rest, status) => {
    const { code } = await api.create();
    for (let visit = 0; visit < 3; visit += 1) {
      expectStatus(await send(`GET /${code} ${rest}\r\nConnection: close\r\n\r\n`), status);
      expect((await api.visit(`/${code}`)).status).toBe(302);
    }
  });

  test.each([
    ['another protocol', '\u0016\u0003\u0001\u0002\u0000\u0001', 400],
    ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['bare line feeds', 'GET /healthz HTTP/1.1\nHost: x\n\n', 400],
    ['two hosts', 'GET /healthz HTTP/1.1\r\nHost: a\r\nhOST: b\r\nConnection: close\r\n\r\n', 400],
    ['the same host twice', 'GET /nobody HTTP/1.1\r\nHost: a\r\nHost: a\r\nConnection: close\r\n\r\n', 400],
    ['no host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['a path of 8 kB', rawRequest(`GET /${'a'.repeat(8_192)}`), 414],
    ['an unknown method', 'FOO / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['bytes beyond ASCII in the path', 'GET /\u00e4 HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    [
      'two thousand headers',
      rawRequest('GET /x', Object.fromEntries([...Array(2000).keys()].map((i) => [`a${i}`, 'b']))),
      431,
    ],
    ['an expectation', rawRequest('POST /api/v1/links', { ...KEY, Expect: '200-maybe', 'Content-Length': '0' }), 417],
    ['a whole URL of another site', rawRequest('GET http://evil.example/nobody'), 404],
    ['the server itself instead of a path', rawRequest('GET *'), 400],
    ['a star in the place of the slash', rawRequest('GET *nobody'), 400],
    ['a form to the server itself', rawRequest('POST *', { 'Content-Length': '0' }), 400],
    ['a question to the server itself', rawRequest('OPTIONS *'), 405],
    ['a broken %-encoding', rawRequest('GET /api/v1/links/%zz', KEY), 400],
    ['a search of 5,000 characters', rawRequest(`GET /api/v1/links?search=${'a'.repeat(5_000)}`, KEY), 414],
    ['a code of 300 characters', rawRequest(`GET /api/v1/links/${'a'.repeat(300)}`, KEY), 414],
    ['a page of the docs that is not there', rawRequest('GET /docs/nothing'), 404],
    ['a way out of the docs', rawRequest('GET /docs/static/../../../package.json'), 404],
    ['an encoded way out of the docs', rawRequest('GET /docs/static/..%5c..%5cpackage.json'), 404],
    ['a NUL in the docs', rawRequest('GET /docs/static/%00'), 404],
    ['a way out of the assets', rawRequest('GET /assets/%2e%2e/page.js'), 404],
    ['a NUL', rawRequest('GET /a%00b'), 404],
    ['a way up', rawRequest('GET /../../etc/passwd'), 404],
  ])('%s is refused as a problem', async (_name, bytes, status) => {
    expectStatus(await send(bytes), status);
  });

  const post = (headers: Record<string, string>, body: Buffer) =>
    send(
      Buffer.concat([
        Buffer.from(rawRequest('POST /api/v1/links', { ...KEY, ...headers, 'Content-Length': String(body.length) })),
        body,
      ]),
    );
  const titled = (title: string) => JSON.stringify({ url: 'https://example.com/encoded', title });

  test.each([
    ['Latin-1', 'latin1', {}, 400, 'is not UTF-8'],
    ['Latin-1 that says so', 'latin1', { 'Content-Type': 'application/json; charset=ISO-8859-1' }, 415, '"ISO-8859-1"'],
    ['UTF-16', 'utf16le', {}, 400, 'is not'],
    ['UTF-16 that says so', 'utf16le', { 'Content-Type': 'application/json;charset="utf-16"' }, 415, '"utf-16"'],
    ['what claims to be gzip', 'utf8', { 'Content-Encoding': 'gzip' }, 415, '"gzip"'],
  ] as const)(
    'a body in %s is refused, and not stored as something else',
    async (_name, encoding, headers, status, says) => {
      const answer = await post({ ...JSON_TYPE, ...headers }, Buffer.from(titled('Grüße'), encoding));
      expectStatus(answer, status);
      expect(JSON.parse(answer.body).detail).toContain(says);
    },
  );

  test.each([
    {},
    { 'Content-Type': 'Application/JSON; Charset=UTF-8' },
    { 'Content-Type': 'application/json;charset="utf8"' },
    { 'Content-Encoding': 'identity' },
  ])('a body in UTF-8 is taken: %j', async (headers) => {
    for (const mark of ['', '\uFEFF']) {
      const answer = await post({ ...JSON_TYPE, ...headers }, Buffer.from(mark + titled('Grüße ✓'), 'utf8'));
      expectStatus(answer, 201);
      expect(JSON.parse(Buffer.from(answer.body, 'latin1').toString()).title).toBe('Grüße ✓');
    }
  });

  test.each([
    ['DELETE /nobody', 'GET, HEAD, POST'],
    ['OPTIONS /nobody?a=b', 'GET, HEAD, POST'],
    ['PUT /api/v1/links', 'GET, HEAD, POST'],
    ['POST /api/v1/links/nobody', 'DELETE, GET, HEAD, PATCH'],
    ['GET /api/v1/links/batch/x', undefined],
    ['POST /healthz', 'GET, HEAD'],
    ['PATCH /docs/x/y', 'GET, HEAD'],
    ['OPTIONS *', 'DELETE, GET, HEAD, PATCH, POST, PUT'],
    ['DELETE /assets', undefined],
    ['DELETE /a%00b', undefined],
    ['GET /a%00b', undefined],
    ['PUT /api/v1/nothing', undefined],
  ])('%s is told which methods there are: %s', async (line, allow) => {
    const answer = await send(rawRequest(line, KEY));
    expectStatus(answer, allow === undefined ? 404 : 405);
    expect(/^allow: (.*)$/im.exec(answer.head)?.[1]).toBe(allow);
    if (allow !== undefined) expect(JSON.parse(answer.body).detail).toContain(allow);
  });

  test('a link is reached in every form of its address that HTTP knows', async () => {
    const { code } = await api.create({ url: 'https://example.com/forms', alias: 'Form-s_1' });
    const encoded = [...code].map((character) => `%${character.charCodeAt(0).toString(16)}`).join('');
    for (const target of [
      `/${code.slice(0, -1)}%31`,
      `/${encoded}`,
      `http://localhost:${port}/${code}`,
      `HTTP://localhost:${port}/${encoded}?a=b`,
    ]) {
      for (let i = 0; i < 2; i += 1) {
        const answer = await send(rawRequest(`GET ${target}`));
        expect(answer.status, target).toBe(302);
        expect(answer.head, target).toMatch(/^location: https:\/\/example\.com\/forms\r?$/im);
      }
    }
    expectStatus(await send(rawRequest(`GET http://localhost:${port}/healthz`)), 200);
    const list = await send(rawRequest(`GET http://localhost:${port}/api/v1/links?limit=1`, KEY));
    expectStatus(list, 200);
    expectStatus(await send(rawRequest(`GET /${code}%2f`)), 404);
  });

  test('pipelined requests are answered in their order', async () => {
    const { code } = await api.create({ url: 'https://example.com/pipelined' });
    const headers = { Connection: 'keep-alive' };
    const { head, body } = await send(
      rawRequest(`GET /${code}`, headers) + rawRequest('GET /nobody', headers) + rawRequest('GET /healthz'),
      { until: 'closed' },
    );
    const statuses = [...`${head}\r\n\r\n${body}`.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    expect(statuses).toEqual(['302', '404', '200']);
  });

  test('what can not be read is described for every path of the API', async () => {
    const { paths } = (await api.call('GET', '/openapi.json')).body;
    for (const [template, methods] of Object.entries<object>(paths)) {
      const path = template.replace(/\{\w+\}/g, 'nobody');
      const asked: [string, number, string][] = [
        [`GET ${path}?a=${'a'.repeat(5_000)}`, 414, ''],
        [`OPTIONS ${path}`, 405, ''],
        [`${'put' in methods ? 'PATCH' : 'PUT'} ${path}`, 405, ''],
        [`GET ${path}`, 417, 'Expect: nothing\r\n'],
        [`GET ${path}`, 400, 'X-A : a\r\n'],
        [`GET ${path}`, 431, `X-A: ${'a'.repeat(20_000)}\r\n`],
      ];
      if (template.includes('{')) asked.push([`GET ${template.replace(/\{\w+\}/g, '%zz')}`, 400, '']);
      for (const [line, status, header] of asked) {
        const answer = await send(`${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${header}\r\n`);
        expect(answer.status, line.slice(0, 100)).toBe(status);
      }
      for (const operation of Object.values(methods)) {
        expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['400', '405', '414', '417', '431']));
      }
    }
  });

  test('HEAD is answered as GET without a body', async () => {
    const { code } = await api.create({ url: 'https://example.com/head' });
    for (const path of ['/', `/${code}`, '/nobody', '/healthz', '/docs/', '/openapi.json']) {
      const get = await send(rawRequest(`GET ${path}`), { until: 'closed' });
      const head = await send(rawRequest(`HEAD ${path}`), { until: 'closed' });
      expect(head.status, path).toBe(get.status);
      expect(head.body, path).toBe('');
    }
  });

  test('a cursor that no page gave is refused', async () => {
    for (let i = 0; i < 3; i += 1) await api.create();
    const { nextCursor } = (await api.call('GET', '/api/v1/links?limit=1')).body;
    const flipped = (at: number) =>
      `${nextCursor.slice(0, at)}${nextCursor[at] === 'A' ? 'B' : 'A'}${nextCursor.slice(at + 1)}`;
    const bad = [nextCursor.slice(1), 'A'.repeat(501), '%00', flipped(0), `${nextCursor}&sort=code`];
    for (const cursor of bad) {
      const answer = await api.call('GET', `/api/v1/links?limit=1&cursor=${cursor}`);
      expect(answer.status, cursor).toBe(422);
      expect(answer.body.errors[0]).toMatchObject({
        field: 'query.cursor',
        message: expect.stringMatching(/nextCursor/),
      });
    }
  });
});
