import { Validator } from '@seriousme/openapi-schema-validator';
import { until } from '@spillway/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN_KEY, type ApiService, CONFIGURATIONS, expectProblem, startApiService } from '../support/api-client.ts';

// The same suite on every configuration: whatever the database, the API is one.
/** The first 429 that rounds of requests get: as many rounds as it takes on this machine to be quicker than the limit. */
async function refusedBy<Answer extends { status: number }>(round: () => Promise<Answer[]>): Promise<Answer> {
  let refused: Answer | undefined;
  await until(
    async () => {
      refused = (await round()).find(({ status }) => status === 429);
      return refused !== undefined;
    },
    { timeoutMs: 60_000, what: 'an answer 429' },
  );
  if (refused === undefined) throw new Error('unreachable: until() waited for it');
  return refused;
}

describe.each(CONFIGURATIONS)('the API on %s', (configuration) => {
  let api: ApiService;
  beforeAll(async () => {
    api = await startApiService(configuration);
  });
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
  });
  const fields = (answer: { body: { errors: { field: string }[] } }) =>
    answer.body.errors.map(({ field }) => field).sort();

  describe('making links', () => {
    test('a link is made with its short URL in Location, and redirects at once', async () => {
      const answer = await api.call('POST', '/api/v1/links', {
        body: { url: 'https://Example.com/a b'.replace(' ', '%20'), title: 'A title', tags: ['x', 'y', 'x'] },
      });
      expect(answer.status).toBe(201);
      expect(answer.headers.get('location')).toBe(answer.body.shortUrl);
      expect(answer.body).toMatchObject({
        url: 'https://example.com/a%20b',
        title: 'A title',
        tags: ['x', 'y'],
        clicks: 0,
        status: 302,
        hasPassword: false,
        expiresAt: null,
        maxClicks: null,
      });
      expect(answer.body.code).toMatch(/^[1-9A-HJ-NP-Za-km-z]{7}$/);
      const visit = await api.visit(`/${answer.body.code}`);
      expect(visit.status).toBe(302);
      expect(visit.headers.get('location')).toBe('https://example.com/a%20b');
      expect(visit.headers.get('cache-control')).toBe('private, no-store');
      expect(visit.headers.get('x-served-by')).toBe('api-test');
    });

    test('an alias is taken once: of fifty at the same instant one gets it', async () => {
      const all = await Promise.all(
        Array.from({ length: 50 }, () =>
          api.call('POST', '/api/v1/links', { body: { url: 'https://example.com/', alias: 'one-of-fifty' } }),
        ),
      );
      expect(all.filter(({ status }) => status === 201)).toHaveLength(1);
      expect(all.filter(({ status }) => status === 409)).toHaveLength(49);
      const refused = all.find(({ status }) => status === 409);
      expect(refused?.body).toMatchObject({ type: 'urn:spillway:problem:alias-taken', errors: [{ field: 'alias' }] });
    });

    test('G1: a generated code that an alias took is skipped, and the next one is used', async () => {
      const { ids } = api.instance.services;
      // What the next codes would be is known to whoever holds the secret: this test does.
      const { createShortCode } = await import('@spillway/ids');
      const codes = createShortCode({ secret: api.instance.services.secret });
      const [last] = await ids.take(1);
      const taken = [2, 3].map((ahead) => codes.encode((last ?? 0) + ahead + 1));
      for (const alias of taken) await api.create({ alias, url: 'https://example.com/alias' });
      const made = [];
      for (let i = 0; i < 4; i += 1) made.push(await api.create({ url: `https://example.com/made/${i}` }));
      expect(new Set(made.map(({ code }) => code)).size).toBe(4);
      for (const link of made) {
        expect((await api.visit(`/${link.code}`)).headers.get('location')).toBe(link.url);
        expect(taken).not.toContain(link.code);
      }
    });

    test('a retry with the same Idempotency-Key makes no second link', async () => {
      const headers = { 'idempotency-key': 'try-1' };
      const body = { url: 'https://example.com/once', password: 'secret' };
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => api.call('POST', '/api/v1/links', { body, headers })),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(201));
      expect(new Set(answers.map((answer) => answer.body.code)).size).toBe(1);
      expect(answers.filter((answer) => answer.headers.get('idempotency-replayed') === null)).toHaveLength(1);
      const other = await api.call('POST', '/api/v1/links', { body: { url: 'https://example.com/other' }, headers });
      expect(other).toMatchObject({ status: 422, body: { type: 'urn:spillway:problem:key-reused' } });
      const bad = await api.call('POST', '/api/v1/links', { body, headers: { 'idempotency-key': 'a b' } });
      expect(fields(bad)).toEqual(['headers.idempotency-key']);
    });

    test('a refused alias gives its Idempotency-Key back', async () => {
      const { code } = await api.create({ alias: 'held' });
      const headers = { 'idempotency-key': 'try-2' };
      const body = { url: 'https://example.com/', alias: 'held' };
      expect((await api.call('POST', '/api/v1/links', { body, headers })).status).toBe(409);
      expect((await api.call('DELETE', `/api/v1/links/${code}`)).status).toBe(204);
      expect((await api.call('POST', '/api/v1/links', { body, headers })).status).toBe(201);
    });

    test('a batch makes the right rows and names what is wrong with the others, in order', async () => {
      const links = [
        { url: 'https://example.com/b1', tags: ['batch'] },
        { url: 'javascript:alert(1)' },
        { url: 'https://example.com/b2', alias: 'batch-two' },
        { url: 'https://example.com/b3', alias: 'batch-two' },
        'not a link',
        { url: 'https://example.com/b4' },
      ];
      const { status, body } = await api.call('POST', '/api/v1/links/batch', { body: { links } });
      expect(status).toBe(207);
      expect(body.results.map((row: { status: number }) => row.status)).toEqual([201, 422, 201, 409, 422, 201]);
      expect(body.results[1].problem.errors[0].field).toBe('url');
      expect(body.results[1].problem.instance).toBe('/api/v1/links/batch#/links/1');
      expect((await api.visit(`/${body.results[5].link.code}`)).headers.get('location')).toBe('https://example.com/b4');
    });

    test('a thousand links in one batch, twice with one Idempotency-Key, are a thousand links', async () => {
      const links = Array.from({ length: 1_000 }, (_, i) => ({ url: `https://example.com/thousand/${i}` }));
      const headers = { 'idempotency-key': 'thousand' };
      const first = await api.call('POST', '/api/v1/links/batch', { body: { links }, headers });
      const second = await api.call('POST', '/api/v1/links/batch', { body: { links }, headers });
      const codesOf = (answer: typeof first) =>
        answer.body.results.map((row: { link: { code: string } }) => row.link.code);
      const statusesOf = (answer: typeof first) => [
        ...new Set(answer.body.results.map(({ status }: { status: number }) => status)),
      ];
      expect(statusesOf(first)).toEqual([201]);
      expect(statusesOf(second)).toEqual([200]);
      expect(new Set(codesOf(first)).size).toBe(1_000);
      expect(codesOf(second)).toEqual(codesOf(first));
      const tooMany = await api.call('POST', '/api/v1/links/batch', { body: { links: [...links, links[0]] } });
      expect(fields(tooMany)).toEqual(['links']);
    });
  });

  describe('bad input', () => {
    const cases: [string, unknown, string[]][] = [
      ['no URL', {}, ['url']],
      ['not an object', [], ['body']],
      ['an empty URL', { url: '' }, ['url']],
      ['javascript:', { url: 'javascript:alert(1)' }, ['url']],
      ['data:', { url: 'data:text/html,x' }, ['url']],
      ['file:', { url: 'file:///etc/passwd' }, ['url']],
      ['no scheme', { url: '//example.com/' }, ['url']],
      ['backslashes', { url: 'https:\\\\example.com' }, ['url']],
      ['credentials', { url: 'https://user:password@example.com/' }, ['url']],
      ['a user without a password', { url: 'https://user@example.com/' }, ['url']],
      ['an empty user', { url: 'https://@example.com/' }, ['url']],
      ['CRLF', { url: 'https://example.com/\r\nSet-Cookie: a=b' }, ['url']],
      ['a tab that URL parsers drop', { url: 'https://exa\tmple.com/' }, ['url']],
      ['a blank in front', { url: ' https://example.com/' }, ['url']],
      ['a NUL', { url: 'https://example.com/\u0000' }, ['url']],
      ['10 kB', { url: `https://example.com/${'a'.repeat(10_240)}` }, ['url']],
      ['8 kB that grow when encoded', { url: `https://example.com/${'ä'.repeat(3_000)}` }, ['url']],
      ['loopback', { url: 'http://127.0.0.1/' }, ['url']],
      ['loopback as one number', { url: 'http://2130706433/' }, ['url']],
      ['loopback in octal', { url: 'http://0177.0.0.1/' }, ['url']],
      ['loopback in IPv6', { url: 'http://[::1]/' }, ['url']],
      ['loopback as mapped IPv6', { url: 'http://[::ffff:127.0.0.1]/' }, ['url']],
      ['loopback as compatible IPv6', { url: 'http://[::127.0.0.1]/' }, ['url']],
      ['NAT64', { url: 'http://[64:ff9b::7f00:1]/' }, ['url']],
      ['private', { url: 'http://10.1.2.3/' }, ['url']],
      ['link-local', { url: 'http://169.254.169.254/latest/meta-data' }, ['url']],
      ['unique local', { url: 'http://[fd00::1]/' }, ['url']],
      ['the unspecified address', { url: 'http://0.0.0.0/' }, ['url']],
      ['localhost', { url: 'http://localhost/' }, ['url']],
      ['localhost with a dot', { url: 'http://localhost./' }, ['url']],
      ['a single label', { url: 'http://intranet/' }, ['url']],
      ['.internal', { url: 'http://metadata.google.internal/' }, ['url']],
      ['.local in full-width letters', { url: 'http://printer.ｌｏｃａｌ/' }, ['url']],
      [
        'wrong types',
        { url: 5, alias: 6, tags: 'x', title: 7, maxClicks: '1', status: '302' },
        ['alias', 'maxClicks', 'status', 'tags', 'title', 'url'],
      ],
      ['unknown fields', { url: 'https://example.com/', foo: 1, bar: 2 }, ['bar', 'foo']],
      ['__proto__', '{"url":"https://example.com/","__proto__":{"a":1}}', ['__proto__']],
      ['constructor', '{"url":"https://example.com/","constructor":{"prototype":1}}', ['constructor']],
      ['an empty part of the host', { url: 'http://example..com/' }, ['url']],
      ['a part of the host over 63 characters', { url: `http://${'a'.repeat(64)}.example.com/` }, ['url']],
      ['port 0', { url: 'http://example.com:0/' }, ['url']],
      ['a reserved alias', { url: 'https://example.com/', alias: 'api' }, ['alias']],
      ['an alias that looks reserved', { url: 'https://example.com/', alias: 'heaIthz' }, ['alias']],
      ['a reserved alias in capitals', { url: 'https://example.com/', alias: 'MetRics' }, ['alias']],
      ['a look-alike alias', { url: 'https://example.com/', alias: 'pаypal' }, ['alias']],
      ['a short alias', { url: 'https://example.com/', alias: 'ab' }, ['alias']],
      ['a long alias', { url: 'https://example.com/', alias: 'a'.repeat(65) }, ['alias']],
      ['an alias with a slash', { url: 'https://example.com/', alias: 'a/bc' }, ['alias']],
      ['an alias of punctuation', { url: 'https://example.com/', alias: '---' }, ['alias']],
      ['an expiry in the past', { url: 'https://example.com/', expiresAt: '2001-01-01T00:00:00Z' }, ['expiresAt']],
      ['an expiry that is no time', { url: 'https://example.com/', expiresAt: 'tomorrow' }, ['expiresAt']],
      ['max-clicks 0', { url: 'https://example.com/', maxClicks: 0 }, ['maxClicks']],
      ['max-clicks 1.5', { url: 'https://example.com/', maxClicks: 1.5 }, ['maxClicks']],
      ['a short password', { url: 'https://example.com/', password: 'abc' }, ['password']],
      ['status 303', { url: 'https://example.com/', status: 303 }, ['status']],
      ['too many tags', { url: 'https://example.com/', tags: Array.from({ length: 21 }, (_, i) => `t${i}`) }, ['tags']],
      ['an empty tag', { url: 'https://example.com/', tags: ['a', ''] }, ['tags.1']],
      ['an unknown domain', { url: 'https://example.com/', domain: 'other.example' }, ['domain']],
    ];
    test.each(cases)('%s is refused with every field at fault', async (_name, body, expected) => {
      const answer = await api.call('POST', '/api/v1/links', { body });
      expect(answer.status, answer.text).toBe(422);
      expect([...new Set(fields(answer))]).toEqual(expected);
      // Each says what is wanted, and then what came or what to do about it.
      for (const { message } of answer.body.errors) expect(message).toMatch(/^(must|is|looks) .+(, got .|; .)/s);
    });

    test.each<[string, string, unknown, Record<string, string>]>([
      [
        'POST',
        '/links',
        { url: 'https://example.com/', expiresAt: 'tomorrow' },
        { expiresAt: 'must be a time like 2030-01-31T12:00:00Z, got "tomorrow"' },
      ],
      [
        'POST',
        '/links',
        { url: 'https://example.com/', password: 'abc' },
        { password: 'must have at least 4 characters, got 3' },
      ],
      [
        'POST',
        '/links',
        '{"url":"https://example.com/","maxClicks":1e400}',
        { maxClicks: 'must be a whole number from 1 to 1000000000, got Infinity' },
      ],
      [
        'POST',
        '/links',
        '{"url":"https://example.com/","__proto__":{}}',
        {
          ['__proto__']:
            'is not known here; leave it out, or take one of url, alias, domain, expiresAt, maxClicks, password, tags, title, status',
        },
      ],
      [
        'POST',
        '/links',
        { url: 'http://example.org:99999/' },
        { url: 'must have a port from 1 to 65535, got "http://example.org:99999/"' },
      ],
      [
        'POST',
        '/links/batch',
        { links: [{}], foo: 1 },
        { foo: 'is not known here; leave it out, or take one of links' },
      ],
      [
        'POST',
        '/keys',
        { name: 'x', scopes: ['links:read'], foo: 1 },
        { foo: 'is not known here; leave it out, or take one of name, scopes, expiresAt, plan, limits' },
      ],
      [
        'GET',
        '/links?foo=1',
        undefined,
        { 'query.foo': 'is not known here; leave it out, or take one of cursor, limit, search, tag, sort' },
      ],
      [
        'GET',
        '/links/nobody?foo=1',
        undefined,
        { 'query.foo': 'is not known here; leave it out, or take one of domain' },
      ],
      [
        'GET',
        '/links/nobody/clicks?foo=1',
        undefined,
        { 'query.foo': 'is not known here; leave it out, or take one of domain, cursor, limit' },
      ],
      [
        'GET',
        '/links/nobody/stats?foo=1',
        undefined,
        { 'query.foo': 'is not known here; leave it out, or take one of from, to, interval, domain' },
      ],
      [
        'GET',
        '/stats?from=0000-01-01',
        undefined,
        { 'query.from': 'must be a time from 1970 to 9999, got 0000-01-01T00:00:00.000Z' },
      ],
      [
        'POST',
        '/keys',
        { name: 'x', scopes: ['zzz'] },
        { 'scopes.0': 'must be one of links:read, links:write, stats:read, keys:admin, limits:check, got "zzz"' },
      ],
      [
        'POST',
        '/keys',
        { name: 'x', scopes: ['links:read'], expiresAt: 'soon' },
        { expiresAt: 'must be a time like 2030-01-31T12:00:00Z, got "soon"' },
      ],
      [
        'POST',
        '/keys',
        {},
        {
          name: 'is missing; it must be text of 1 to 100 characters',
          scopes: 'is missing; it must be a list of links:read, links:write, stats:read, keys:admin, limits:check',
        },
      ],
      [
        'POST',
        '/limits/check',
        { policy: 'free', key: 'a', cost: 1e9 },
        { cost: 'must be a whole number from 1 to 1000000, got 1000000000' },
      ],
      [
        'POST',
        '/limits/check',
        {},
        {
          policy: 'is missing; it must be one of free, premium',
          key: 'is missing; it must be text of 1 to 500 characters',
        },
      ],
      [
        'GET',
        '/links?cursor=zzz',
        undefined,
        {
          'query.cursor': 'must be the "nextCursor" of a page in the same order, got "zzz"; leave it out to begin anew',
        },
      ],
      ['GET', '/links?limit=1e3', undefined, { 'query.limit': 'must be a whole number from 1 to 1000, got "1e3"' }],
      ['GET', '/links?search=a&search=b', undefined, { 'query.search': 'must be given once, as text, got ["a","b"]' }],
    ])('%s %s %j: each fault is told once, with its value and what is wanted', async (method, path, body, expected) => {
      const answer = await api.call(method, `/api/v1${path}`, { body });
      expect(answer.status, answer.text).toBe(422);
      expect(answer.body.instance).toBe(`/api/v1${path.split('?', 1)[0]}`);
      const told = answer.body.errors.map(({ field, message }: { field: string; message: string }) => [field, message]);
      expect(told).toEqual(Object.entries(expected));
    });

    test('the service itself is no target', async () => {
      for (const host of [
        api.url,
        api.url.replace('localhost', '127.0.0.1'),
        api.url.replace('localhost', 'LOCALHOST.'),
      ]) {
        const answer = await api.call('POST', '/api/v1/links', { body: { url: `${host}/abc` } });
        expect(answer).toMatchObject({ status: 422, body: { errors: [{ field: 'url' }] } });
      }
    });

    test('broken JSON is 400, no JSON 415, 2 MB 413', async () => {
      const post = (body: string, type: string) =>
        api.call('POST', '/api/v1/links', { body, headers: { 'content-type': type } });
      expect((await post('{"url":', 'application/json')).status).toBe(400);
      expect((await post('', 'application/json')).status).toBe(400);
      expect((await post('url=https://example.com', 'application/x-www-form-urlencoded')).status).toBe(415);
      expect((await post('hello', 'text/plain')).status).toBe(415);
      expect((await post(`{"url":"https://example.com/${'a'.repeat(2 ** 21)}"}`, 'application/json')).status).toBe(413);
    });

    test.each([
      ['/%00', 404],
      ['/..', 200],
      ['/%2e%2e%2fetc%2fpasswd', 404],
      ['/a/b/c', 404],
      ['/%zz', 400],
      ['/%ff%fe', 400],
      [`/${'a'.repeat(8_192)}`, 414],
      [`/${'a'.repeat(65)}`, 404],
      ['/nope', 404],
      ['/nope?x=1', 404],
      ['//evil.example', 404],
      ['/%61%62%63', 404],
      ['/api/v1/nothing', 404],
    ])('the path %s is answered with %i', async (path, status) => {
      const answer = await api.visit(path);
      expect(answer.status, answer.text).toBe(status);
      if (status >= 400) expectProblem(answer);
    });

    test('a header of 20 kB is refused, and the service goes on', async () => {
      const answer = await api.visit('/nope', { 'x-large': 'a'.repeat(20_000) });
      expect(answer.status).toBe(431);
      expectProblem(answer);
    });
  });

  describe('keys', () => {
    test('no key, a wrong key and a key without the scope are told apart', async () => {
      expect((await api.call('GET', '/api/v1/links', { key: null })).status).toBe(401);
      expect((await api.call('GET', '/api/v1/links', { key: 'wrong' })).body.type).toBe(
        'urn:spillway:problem:key-unknown',
      );
      const made = await api.call('POST', '/api/v1/keys', { body: { name: 'reader', scopes: ['links:read'] } });
      expect(made.status).toBe(201);
      expect(made.body.key).toMatch(/^spw_[1-9A-HJ-NP-Za-km-z]{43}$/);
      const { key, id } = made.body;
      expect((await api.call('GET', '/api/v1/links', { key })).status).toBe(200);
      expect(
        (await api.call('GET', '/api/v1/links', { key: null, headers: { authorization: `Bearer ${key}` } })).status,
      ).toBe(200);
      const refused = await api.call('POST', '/api/v1/links', { key, body: { url: 'https://example.com/' } });
      expect(refused.status).toBe(403);
      expect((await api.call('GET', '/api/v1/keys', { key })).status).toBe(403);

      const list = await api.call('GET', '/api/v1/keys');
      expect(list.text).not.toContain(key);
      expect(list.body.data.map((one: { id: string }) => one.id)).toContain(id);
      const changed = await api.call('PATCH', `/api/v1/keys/${id}`, {
        body: { scopes: ['links:write'], name: 'writer' },
      });
      expect(changed.body).toMatchObject({ name: 'writer', scopes: ['links:write'] });
      expect((await api.call('GET', '/api/v1/links', { key })).status).toBe(403);
      expect((await api.call('DELETE', `/api/v1/keys/${id}`)).status).toBe(204);
      expect((await api.call('GET', '/api/v1/links', { key })).status).toBe(401);
      expect((await api.call('DELETE', `/api/v1/keys/${id}`)).status).toBe(404);
      expect((await api.call('PATCH', '/api/v1/keys/none', { body: {} })).status).toBe(404);
      expect(fields(await api.call('POST', '/api/v1/keys', { body: { name: '', scopes: ['x'], y: 1 } }))).toEqual([
        'name',
        'scopes.0',
        'y',
      ]);
    });

    test('without a key, clients on this machine make links, and others do not', async () => {
      const body = { url: 'https://example.com/anonymous' };
      expect((await api.call('POST', '/api/v1/links', { body, key: null })).status).toBe(201);
      const far = { 'x-forwarded-for': '203.0.113.7' };
      expect((await api.call('POST', '/api/v1/links', { body, key: null, headers: far })).status).toBe(401);
      expect((await api.call('POST', '/api/v1/links/batch', { body: { links: [body] }, key: null })).status).toBe(401);
    });
  });

  describe('what a detail says', () => {
    test.each([
      ['{"url":"https://example.com/",}', 'The body is not JSON: line 1, column 31; check it with a JSON parser'],
      ['{"url":\n "https://example.com/"', 'The body is not JSON: line 2, column 24; check it with a JSON parser'],
      ['{"password":"hush"', 'The body is not JSON: line 1, column 19; check it with a JSON parser'],
      ['{"password":', 'The body is not JSON: it ends too early; check it with a JSON parser'],
      ['{"password":hush}', 'The body is not JSON; check it with a JSON parser'],
    ])('where %j breaks off, but nothing of what it holds', async (body, detail) => {
      expect((await api.call('POST', '/api/v1/links', { body })).body).toMatchObject({ status: 400, detail });
    });

    test.each([
      ['X-Api-Key', { 'x-api-key': 'a-key-of-nobody' }],
      ['Authorization', { authorization: 'Bearer a-key-of-nobody' }],
    ])('in which header the wrong key came, and what to do: %s', async (name, headers) => {
      const { status, body } = await api.call('GET', '/api/v1/links', { key: null, headers });
      expect(status).toBe(401);
      expect(body.detail).toMatch(new RegExp(`^The key in "${name}" is nobody's: .+; check `));
      expect(body.detail).not.toContain('a-key');
    });
  });

  describe('reading, changing, deleting', () => {
    test('a link is shown, changed everywhere at once, and deleted', async () => {
      const { code } = await api.create({ title: 'before', tags: ['old'] });
      await api.visit(`/${code}`);
      const patch = { url: 'https://example.com/after', title: null, tags: ['new'], status: 307 };
      const changed = await api.call('PATCH', `/api/v1/links/${code}`, { body: patch });
      expect(changed.body).toMatchObject({
        code,
        url: 'https://example.com/after',
        title: null,
        tags: ['new'],
        status: 307,
      });
      expect((await api.call('GET', `/api/v1/links/${code}`)).body).toMatchObject(changed.body);
      const visit = await api.visit(`/${code}`);
      expect(visit.status).toBe(307);
      expect(visit.headers.get('location')).toBe('https://example.com/after');
      expect((await api.call('GET', '/api/v1/links?tag=old')).body.data).toHaveLength(0);
      expect((await api.call('DELETE', `/api/v1/links/${code}`)).status).toBe(204);
      expect((await api.visit(`/${code}`)).status).toBe(404);
      for (const method of ['GET', 'DELETE']) {
        expect((await api.call(method, `/api/v1/links/${code}`)).status).toBe(404);
      }
      expect((await api.call('PATCH', `/api/v1/links/${code}`, { body: {} })).status).toBe(404);
      expect(
        fields(await api.call('PATCH', `/api/v1/links/${code}`, { body: { alias: 'x', url: 'ftp://x' } })),
      ).toEqual(['alias', 'url']);
      expect((await api.call('GET', `/api/v1/links/${code}?domain=other.example`)).status).toBe(422);
    });

    test('pages hold every link once, in either order, and bad cursors are refused', async () => {
      const made = [];
      for (let i = 0; i < 7; i += 1) made.push((await api.create({ tags: ['paged'], title: `Nº ${i} 100%_ÄÖ` })).code);
      for (const sort of ['createdAt', '-createdAt', 'code', '-code']) {
        const seen: string[] = [];
        let cursor = '';
        do {
          const page = await api.call('GET', `/api/v1/links?tag=paged&limit=3&sort=${sort}${cursor}`);
          expect(page.status).toBe(200);
          seen.push(...page.body.data.map(({ code }: { code: string }) => code));
          cursor = page.body.nextCursor === null ? '' : `&cursor=${page.body.nextCursor}`;
        } while (cursor !== '');
        expect(seen.toSorted()).toEqual(made.toSorted());
        if (sort.endsWith('code')) expect(seen).toEqual(sort === 'code' ? made.toSorted() : made.toSorted().reverse());
      }
      expect(
        (await api.call('GET', `/api/v1/links?tag=paged&search=${encodeURIComponent('3 100%_äö')}`)).body.data,
      ).toHaveLength(1);
      expect((await api.call('GET', '/api/v1/links?tag=paged&search=100xx')).body.data).toHaveLength(0);
      for (const query of [
        'cursor=x',
        'cursor=W10',
        'limit=0',
        'limit=x',
        'limit=1e3',
        'limit=0x10',
        'sort=clicks',
        'page=2',
      ]) {
        expect((await api.call('GET', `/api/v1/links?${query}`)).status, query).toBe(422);
      }
      const page = await api.call('GET', '/api/v1/links?limit=1&sort=code');
      expect((await api.call('GET', `/api/v1/links?sort=-code&cursor=${page.body.nextCursor}`)).status).toBe(422);
    });
  });

  describe('redirects', () => {
    test('HEAD redirects as GET does, and only GET is a click', async () => {
      const { code } = await api.create();
      const head = await fetch(`${api.url}/${code}`, { method: 'HEAD', redirect: 'manual' });
      expect(head.status).toBe(302);
      await api.visit(`/${code}`);
      await api.visit(`/${code}?utm=1`);
      await until(async () => (await api.call('GET', `/api/v1/links/${code}`)).body.clicks === 2, {
        timeoutMs: 10_000,
      });
      const stats = await api.call('GET', `/api/v1/links/${code}/stats`);
      expect(stats.body.totals.clicks).toBe(2);
      const clicks = await api.call('GET', `/api/v1/links/${code}/clicks`);
      expect(clicks.body.data).toHaveLength(2);
      expect((await api.call('GET', '/api/v1/links/nope/stats')).status).toBe(404);
      expect((await api.call('GET', '/api/v1/links/nope/clicks')).status).toBe(404);
      expect((await api.call('GET', `/api/v1/links/${code}/stats?from=yesterday`)).status).toBe(422);
      expect((await api.call('GET', '/api/v1/stats')).body.totals.clicks).toBeGreaterThanOrEqual(2);
    });

    test('an expired link is gone, and an expiry can be taken away', async () => {
      const { code } = await api.create({ expiresAt: new Date(Date.now() + 1_000).toISOString() });
      expect((await api.visit(`/${code}`)).status).toBe(302);
      await until(async () => (await api.visit(`/${code}`)).status === 410, { timeoutMs: 5_000 });
      await api.call('PATCH', `/api/v1/links/${code}`, { body: { expiresAt: null } });
      expect((await api.visit(`/${code}`)).status).toBe(302);
    });

    test('max-clicks are granted exactly, however many come at once; HEAD takes none', async () => {
      const { code } = await api.create({ maxClicks: 5 });
      expect((await fetch(`${api.url}/${code}`, { method: 'HEAD', redirect: 'manual' })).status).toBe(302);
      const visits = await Promise.all(Array.from({ length: 20 }, () => api.visit(`/${code}`)));
      expect(visits.filter(({ status }) => status === 302)).toHaveLength(5);
      expect(visits.filter(({ status }) => status === 410)).toHaveLength(15);
      expect((await fetch(`${api.url}/${code}`, { method: 'HEAD', redirect: 'manual' })).status).toBe(410);
      await api.call('PATCH', `/api/v1/links/${code}`, { body: { maxClicks: 6 } });
      expect((await api.visit(`/${code}`)).status).toBe(302);
    });

    test('a password opens its link, and guesses are limited', async () => {
      const { code } = await api.create({ password: 'open sesame', url: 'https://example.com/secret' });
      const form = await api.visit(`/${code}`);
      expect(form.status).toBe(200);
      expect(form.text).toContain('type="password"');
      expect(form.text).not.toContain('example.com/secret');
      expect(form.headers.get('content-security-policy')).toContain("default-src 'none'");
      const guess = (password: string) =>
        fetch(`${api.url}/${code}`, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ password }) });
      const wrong = await guess('wrong');
      expect(wrong.status).toBe(403);
      const right = await guess('open sesame');
      expect(right.status).toBe(303);
      expect(right.headers.get('location')).toBe('https://example.com/secret');
      const statuses = [];
      for (let i = 0; i < 12; i += 1) statuses.push((await guess('wrong')).status);
      expect(statuses).toContain(429);
      await api.call('PATCH', `/api/v1/links/${code}`, { body: { password: null } });
      expect((await api.visit(`/${code}`)).status).toBe(302);
    });

    test('a link without a password takes no POST, so that only visits are clicks', async () => {
      const { code } = await api.create();
      for (const [body, headers] of [
        [undefined, {}],
        ['password=x', { 'content-type': 'application/x-www-form-urlencoded' }],
        ['{}', { 'content-type': 'application/json' }],
      ] as const) {
        const answer = await api.call('POST', `/${code}`, { body, headers, key: null });
        expect(answer.status, answer.text).toBe(405);
        expect(answer.headers.get('allow')).toBe('GET, HEAD');
        expect(answer.headers.get('location')).toBeNull();
        expect(answer.body).toMatchObject({ type: 'urn:spillway:problem:method-not-allowed', instance: `/${code}` });
      }
      await api.visit(`/${code}`);
      const stats = async () => (await api.call('GET', `/api/v1/links/${code}/stats`)).body.totals.clicks;
      await until(async () => (await stats()) > 0, { timeoutMs: 10_000 });
      expect(await stats()).toBe(1);
    });

    test('people get a page where programs get a problem', async () => {
      const answer = await api.visit('/no-such-link', { accept: 'text/html,*/*' });
      expect(answer.status).toBe(404);
      expect(answer.headers.get('content-type')).toContain('text/html');
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    });

    test('who guesses too much is refused before anything is looked up', async () => {
      const headers = { 'x-forwarded-for': '198.51.100.9' };
      // Tokens come back meanwhile, so on a slow machine it may take more than one round to be refused.
      const guess = () => Promise.all(Array.from({ length: 150 }, (_, i) => api.visit(`/guess${i}`, headers)));
      expect((await guess()).map(({ status }) => status)).toContain(404);
      const refused = await refusedBy(guess);
      expectProblem(refused);
      const { code } = await api.create();
      await api.visit(`/${code}`);
      expect((await api.visit(`/${code}`, headers)).status).toBe(302);
      expect((await api.visit('/guess-more', { 'x-forwarded-for': '198.51.100.10' })).status).toBe(404);
    });

    test('a client that sends too much is told when to come back', async () => {
      const { code } = await api.create();
      const headers = { 'x-forwarded-for': '2001:db8::1' };
      const visit = () => Promise.all(Array.from({ length: 200 }, () => api.visit(`/${code}`, headers)));
      expectProblem(await refusedBy(visit));
      // The same /64 is the same client; another one is not.
      expect((await api.visit(`/${code}`, { 'x-forwarded-for': '2001:db8:0:1::1' })).status).toBe(302);
    });
  });

  describe('limits as a service', () => {
    test('a policy is charged until it is used up, with the headers of a limited route', async () => {
      const check = (key: string, cost = 1) =>
        api.call('POST', '/api/v1/limits/check', { body: { policy: 'free', key, cost } });
      const first = await check('someone', 4);
      expect(first.body).toMatchObject({ outcome: 'allowed', policy: 'free', limit: 10, remaining: 6 });
      expect(first.headers.get('ratelimit-policy')).toBe('"free";q=10;w=60');
      expect((await check('someone', 6)).body.outcome).toBe('allowed');
      const denied = await check('someone');
      expect(denied).toMatchObject({ status: 200, body: { outcome: 'denied' } });
      expect(denied.headers.get('retry-after')).toMatch(/^\d+$/);
      expect((await check('someone else')).body.remaining).toBe(9);
      expect(fields(await api.call('POST', '/api/v1/limits/check', { body: { policy: 'gold', key: 'x' } }))).toEqual([
        'policy',
      ]);
      expect(fields(await api.call('POST', '/api/v1/limits/check', { body: { policy: 1, key: '', cost: 0 } }))).toEqual(
        ['cost', 'key', 'policy'],
      );
    });
  });

  describe('operations', () => {
    test('the OpenAPI document is valid and names every call of the design', async () => {
      const { body } = await api.call('GET', '/openapi.json', { key: null });
      const result = await new Validator().validate(body);
      expect(result.errors).toBeUndefined();
      expect(result.valid).toBe(true);
      expect(Object.keys(body.paths)).toEqual(
        expect.arrayContaining([
          '/api/v1/links',
          '/api/v1/links/batch',
          '/api/v1/links/{code}',
          '/api/v1/links/{code}/stats',
          '/api/v1/links/{code}/clicks',
          '/api/v1/stats',
          '/api/v1/keys',
          '/api/v1/keys/{id}',
          '/api/v1/limits/check',
          '/healthz',
          '/readyz',
          '/metrics',
          '/{code}',
        ]),
      );
      const { get, post } = body.paths['/{code}'];
      for (const status of [302, 404, 410, 414, 429, 431, 503]) expect(get.responses).toHaveProperty(`${status}`);
      for (const status of [303, 403, 405, 413]) expect(post.responses).toHaveProperty(`${status}`);
    });

    test('health, readiness by dependency, metrics, docs and the page answer', async () => {
      expect((await api.call('GET', '/healthz', { key: null })).body).toEqual({ status: 'ok' });
      await until(async () => (await api.call('GET', '/readyz')).body.status === 'ready', { timeoutMs: 10_000 });
      const ready = await api.call('GET', '/readyz', { key: null });
      const names = ready.body.dependencies.map(({ name }: { name: string }) => name);
      expect(names).toEqual(
        { SQLite: ['sqlite'], PostgreSQL: ['postgres', 'bus'], 'PostgreSQL and Redis': ['postgres', 'redis', 'bus'] }[
          configuration
        ],
      );
      const metrics = await api.call('GET', '/metrics', { key: null });
      expect(metrics.text).toMatch(/^spillway_links_redirects_total\{outcome="redirected",from="l1"\} \d+$/m);
      expect(metrics.text).toMatch(/^spillway_links_redirect_duration_seconds_bucket\{le="0.001"\} \d+$/m);
      for (const path of ['/', '/assets/page.css', '/assets/page.js', '/docs/', '/docs/static/swagger-ui-bundle.js']) {
        expect((await api.visit(path)).status, path).toBe(200);
      }
      expect((await api.visit('/docs')).headers.get('location')).toBe('/docs/');
      expect((await api.visit('/docs/')).headers.get('content-security-policy')).toContain("script-src 'self'");
      expect((await api.call('POST', '/healthz', { key: ADMIN_KEY })).status).toBe(405);
    });
  });
});
