/** What every adapter does alike, in the real framework and on a real socket. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { createResponseCache, type ResponseCache, type ResponseCacheOptions } from '@spillway/cache/http';
import { cacheResponses } from '@spillway/cache/http/express';
import express from 'express';
import { parseList } from 'structured-headers';
import { afterEach, describe, expect, test } from 'vitest';
import { ask, askAndStay } from '../../support/ask.ts';
import { type App, type AppOptions, type Asked, apps, type Reply, type Route } from '../../support/http-apps.ts';

const ok = (body: Reply['body'], headers: Record<string, string> = {}): Reply => ({
  headers: { 'cache-control': 'max-age=60', 'content-type': 'text/plain', ...headers },
  ...(body === undefined ? {} : { body }),
});

describe.each(Object.entries(apps))('%s', (_name, start) => {
  let app: App;
  let cache: ResponseCache;
  let runs: Asked[] = [];
  let now = 0;

  async function open(
    route: Route,
    { options = {}, ...more }: Partial<AppOptions> & { options?: Partial<ResponseCacheOptions> } = {},
  ) {
    runs = [];
    now = Date.now();
    cache = createResponseCache({
      name: 'pages',
      now: () => now,
      clock: { nowUs: () => now * 1000 },
      random: () => 0,
      ...options,
    });
    app = await start(
      (asked) => {
        runs.push(asked);
        return route(asked);
      },
      { cache, ...more },
    );
  }
  afterEach(async () => {
    await app[Symbol.asyncDispose]();
    await cache.close();
  });

  test('answers again from the cache, with all that the route set, and what others set for each answer', async () => {
    await open(() => ok('page', { 'x-own': '1', 'content-language': 'en' }));
    const first = await ask(app);
    now += 5_000;
    const second = await ask(app);
    expect([first.status, first.text, second.status, second.text]).toEqual([200, 'page', 200, 'page']);
    expect(second.headers).toMatchObject({
      'x-own': '1',
      'content-language': 'en',
      'content-type': first.headers['content-type'],
      'content-length': '4',
      age: '5',
      etag: expect.stringMatching(/^(W\/)?".+"$/),
      date: expect.any(String),
    });
    expect(second.headers['x-outer']).not.toBe(first.headers['x-outer']);
    const status = (of: typeof first) => parseList(String(of.headers['cache-status']));
    expect(status(first)[0]?.[1].get('fwd')?.toString()).toBe('uri-miss');
    expect(status(second)).toMatchObject([
      [
        expect.anything(),
        new Map<string, unknown>([
          ['hit', true],
          ['ttl', 55],
        ]),
      ],
    ]);
    expect(runs).toHaveLength(1);
  });

  test('two users with cookies each get their own, and nobody a cookie of another', async () => {
    await open((asked) => {
      const who = asked.header('cookie') ?? 'nobody';
      return asked.path === '/login' ? ok(who, { 'set-cookie': `session=${who}` }) : ok(`for ${who}`);
    });
    for (let times = 0; times < 2; times += 1) {
      for (const cookie of ['ada', 'bob']) {
        expect((await ask(app, '/', { cookie })).text).toBe(`for ${cookie}`);
        const login = await ask(app, '/login', { cookie });
        expect([login.text, login.headers['set-cookie']]).toEqual([cookie, [`session=${cookie}`]]);
      }
    }
    const anonymous = await ask(app, '/login');
    expect([anonymous.text, (await ask(app, '/login')).cache]).toEqual(['nobody', 'fwd=uri-miss']);
    expect((await ask(app)).text).toBe('for nobody');
    expect((await ask(app, '/', { authorization: 'Bearer x' })).cache).toBe('fwd=bypass;detail=credentials');
  });

  test('known users have pages of their own', async () => {
    await open((asked) => ({ body: `for ${asked.header('x-user')}` }), {
      ttl: '1m',
      user: (header) => header('x-user'),
    });
    for (let times = 0; times < 2; times += 1) {
      for (const user of ['ada', 'bob']) {
        const answer = await ask(app, '/', { 'x-user': user, cookie: 'a=b' });
        expect([answer.text, answer.headers['cache-control']]).toEqual([`for ${user}`, 'private']);
      }
    }
    expect(runs).toHaveLength(2);
  });

  test.each(['accept-encoding', 'origin', 'accept-language'])('what varies on %s is kept apart', async (name) => {
    await open((asked) => ok(`${asked.header(name)}`, { vary: name }));
    for (let times = 0; times < 2; times += 1) {
      for (const value of ['a', 'b', 'a, b']) expect((await ask(app, '/', { [name]: value })).text).toBe(value);
      expect((await ask(app)).text).toBe('undefined');
    }
    expect(runs).toHaveLength(4);
  });

  test('Vary: * is never stored', async () => {
    await open(() => ok('page', { vary: '*' }));
    await ask(app);
    await ask(app);
    expect(runs).toHaveLength(2);
  });

  test('a HEAD is answered by what a GET stored, and is never stored for one', async () => {
    await open((asked) => ok(asked.method === 'HEAD' ? '' : 'page'));
    expect((await ask(app, '/', { method: 'HEAD' })).text).toBe('');
    expect((await ask(app)).text).toBe('page');
    const head = await ask(app, '/', { method: 'HEAD' });
    expect([head.text, head.headers['content-length'], head.cache]).toEqual(['', '4', 'hit;ttl=60']);
    expect(runs.map(({ method }) => method)).toEqual(['HEAD', 'GET']);
  });

  test('304 for whoever has it, before and after it is stored', async () => {
    await open(() => ok('page', { etag: '"a"', 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' }));
    const first = await ask(app, '/', { 'if-none-match': '"a"' });
    expect([first.status, first.text, first.headers.etag]).toEqual([304, '', '"a"']);
    expect(first.headers).not.toHaveProperty('content-length', '4');
    expect((await ask(app)).text).toBe('page');
    expect((await ask(app, '/', { 'if-none-match': 'W/"a"' })).status).toBe(304);
    expect((await ask(app, '/', { 'if-modified-since': 'Thu, 01 Jan 2026 00:00:00 GMT' })).status).toBe(304);
    expect((await ask(app, '/', { 'if-none-match': '"b"' })).text).toBe('page');
    expect(runs).toHaveLength(1);
  });

  test('a range passes through, and comes from the whole once that is stored', async () => {
    await open((asked) =>
      asked.header('range') === undefined
        ? ok('0123456789')
        : { ...ok('234', { 'content-range': 'bytes 2-4/10' }), status: 206 },
    );
    expect((await ask(app, '/', { range: 'bytes=2-4' })).status).toBe(206);
    expect((await ask(app)).text).toBe('0123456789');
    const part = await ask(app, '/', { range: 'bytes=5-' });
    expect([part.status, part.text, part.headers['content-range']]).toEqual([206, '56789', 'bytes 5-9/10']);
    expect((await ask(app, '/', { range: 'bytes=99-' })).status).toBe(416);
    expect((await ask(app, '/', { range: 'bytes=0-1,3-4' })).text).toBe('0123456789');
    expect(runs).toHaveLength(2);
  });

  test('a body in chunks is stored whole, and one of 10 MB passes through unstored', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    async function* chunks(count: number) {
      for (let each = 0; each < count; each += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        yield chunk;
      }
    }
    await open((asked) => ok(chunks(asked.path === '/small' ? 3 : 160)));
    for (const path of ['/small', '/small', '/big', '/big']) {
      const { body } = await ask(app, path);
      expect(body.equals(Buffer.alloc((path === '/small' ? 3 : 160) * chunk.length, 'x'))).toBe(true);
    }
    expect(runs.map(({ path }) => path)).toEqual(['/small', '/big', '/big']);
    const known = Buffer.alloc(10_000_000, 'y');
    await app[Symbol.asyncDispose]();
    await open(() => ok(known));
    for (let times = 0; times < 2; times += 1) expect((await ask(app)).body.equals(known)).toBe(true);
    expect(runs).toHaveLength(2);
  });

  test('bytes that are no text come back the same', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
    await open(() => ok(bytes, { 'content-type': 'application/octet-stream' }));
    await ask(app);
    expect((await ask(app)).body.equals(bytes)).toBe(true);
  });

  test('many at a time run the route once', async () => {
    const { promise: opened, resolve } = Promise.withResolvers<void>();
    await open(async () => {
      await opened;
      return ok('page');
    });
    const asking = Array.from({ length: 20 }, () => ask(app));
    await expect.poll(app.connections).toBe(20);
    resolve();
    const all = await Promise.all(asking);
    expect(new Set(all.map(({ text }) => text))).toEqual(new Set(['page']));
    expect(runs).toHaveLength(1);
  });

  test('behind a private page nobody waits for anybody', async () => {
    const { promise: all, resolve } = Promise.withResolvers<void>();
    await open(async () => {
      const own = runs.length;
      if (own === 5) resolve();
      // All but the first are there at once, or this never ends.
      if (own > 1) await all;
      return { headers: { 'cache-control': 'private' }, body: `page ${own}` };
    });
    await ask(app);
    const bodies = (await Promise.all(Array.from({ length: 4 }, () => ask(app)))).map(({ text }) => text);
    expect(bodies.sort()).toEqual(['page 2', 'page 3', 'page 4', 'page 5']);
  });

  test('a client that leaves before the answer does not take it from the others', async () => {
    const { promise: opened, resolve } = Promise.withResolvers<void>();
    await open(async () => {
      await opened;
      return ok('page');
    });
    const leaving = askAndStay(app);
    await expect.poll(() => runs.length).toBe(1);
    const others = [ask(app), ask(app)];
    await expect.poll(app.connections).toBe(3);
    leaving.leave();
    await expect.poll(app.connections).toBe(2);
    resolve();
    expect((await Promise.all(others)).map(({ text }) => text)).toEqual(['page', 'page']);
    expect((await ask(app)).cache).toMatch(/^hit/);
  });

  test('a client that leaves in the middle of a stream leaves no half of it behind', async () => {
    const { promise: opened, resolve } = Promise.withResolvers<void>();
    async function* chunks() {
      yield Buffer.from('half ');
      await opened;
      yield Buffer.from('whole');
    }
    await open(() => ok(chunks()));
    const leaving = askAndStay(app);
    await leaving.begun;
    leaving.leave();
    await expect.poll(app.connections).toBe(0);
    resolve();
    expect((await ask(app)).text).toBe('half whole');
    expect((await ask(app)).text).toBe('half whole');
  });

  test('an old answer stands in for a route that fails or throws, and else the failure is told', async () => {
    let fails: 'no' | 'answers' | 'throws' = 'no';
    await open(() => {
      if (fails === 'throws') throw new Error('broke');
      return fails === 'answers'
        ? { status: 503, body: 'failed', headers: { 'x-failed': '1' } }
        : ok('page', { 'cache-control': 'max-age=10, stale-if-error=60' });
    });
    await ask(app);
    now += 20_000;
    for (fails of ['answers', 'throws'] as const) {
      const stood = await ask(app);
      expect([stood.status, stood.text, stood.headers['x-failed'], stood.headers.age]).toEqual([
        200,
        'page',
        undefined,
        '20',
      ]);
      expect(stood.cache).toMatch(/^fwd=stale;.*detail=stale-if-error/);
    }
    now += 60_000;
    expect((await ask(app)).text).toBe('by the error handler');
    fails = 'answers';
    const failed = await ask(app);
    expect([failed.status, failed.text, failed.headers['x-failed']]).toEqual([503, 'failed', '1']);
  });

  test('stale-while-revalidate: the others do not wait for the one that asks anew', async () => {
    const { promise: opened, resolve } = Promise.withResolvers<void>();
    await open(async () => {
      const own = runs.length;
      if (own === 2) await opened;
      return ok(`page ${own}`, { 'cache-control': 'max-age=10, stale-while-revalidate=60' });
    });
    await ask(app);
    now += 20_000;
    const leader = ask(app);
    await expect.poll(() => runs.length).toBe(2);
    expect((await ask(app)).text).toBe('page 1');
    resolve();
    expect([(await leader).text, (await ask(app)).text]).toEqual(['page 2', 'page 2']);
  });

  test('a change through the same path is seen by the next, and so is a purge', async () => {
    let name = 'first';
    await open((asked) => {
      if (asked.method === 'GET') return ok(name);
      name = 'second';
      return { status: 204 };
    });
    await ask(app, '/a');
    expect((await ask(app, '/a', { method: 'DELETE' })).cache).toBe('fwd=method');
    expect((await ask(app, '/a')).text).toBe('second');
    name = 'third';
    expect((await ask(app, '/a')).text).toBe('second');
    await cache.purge({ path: '/a' });
    expect((await ask(app, '/a')).text).toBe('third');
  });

  test('strange requests neither meet nor break anything', async () => {
    await open((asked) => ok(asked.path));
    const paths = [
      '/a?x=1&y=2',
      '/a?x=1%26y=2',
      '/a%3Fx=1&y=2',
      '/a?x=1&x=2',
      '/a?x=2&x=1',
      '/%0d%0aset-cookie:%20a=b',
      '/__proto__',
    ];
    for (const path of paths) await ask(app, path);
    for (const path of paths) {
      const { text, headers, cache: status } = await ask(app, path);
      expect([path, text, headers['set-cookie'], status]).toEqual([path, path, undefined, 'hit;ttl=60']);
    }
    // Node refuses what is longer than 16 KiB before anybody sees it.
    const long = await ask(app, `/${'a'.repeat(1_000_000)}`).catch(() => ({ status: 431 }));
    expect(long.status).toBe(431);
    expect((await ask(app, '/', { host: 'other.example' })).cache).toMatch(/^fwd=uri-miss/);
  });

  test('a first client that does not read holds nobody up', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    async function* chunks() {
      for (let each = 0; each < 256; each += 1) yield chunk;
    }
    await open(() => ok(chunks()), { options: { maxBodyBytes: 32 * 1024 * 1024, waitFor: '60s' } });
    const slow = connect(app.port, '127.0.0.1');
    slow.pause();
    slow.write(`GET / HTTP/1.1\r\nhost: 127.0.0.1:${app.port}\r\n\r\n`);
    await expect.poll(() => runs.length).toBe(1);
    expect((await ask(app)).body).toHaveLength(256 * chunk.length);
    expect(runs).toHaveLength(1);
    slow.destroy();
  });

  test('what stands around the cache keeps its fields, and the list of what an answer varies on stays whole', async () => {
    await open(() => ok('page', { vary: 'accept-language', etag: '"a"' }));
    const answers = [
      await ask(app, '/', { 'if-none-match': '"a"' }),
      await ask(app),
      await ask(app, '/', { 'if-none-match': '"a"' }),
      await ask(app, '/', { method: 'HEAD' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([304, 200, 304, 200]);
    for (const { headers } of answers) {
      expect(headers['x-outer']).toMatch(/^0/);
      expect(headers.vary?.toLowerCase()).toContain('accept-language');
    }
    expect(runs).toHaveLength(1);
  });

  test('a GET with a body is left alone', async () => {
    await open(() => ok('page'));
    await ask(app);
    expect((await ask(app, '/', { 'transfer-encoding': 'chunked' })).cache).toBe('fwd=bypass;detail=body');
  });

  test('a cookie that comes with an answer is not lost to a 304', async () => {
    await open(() => ok('page', { etag: '"a"', 'set-cookie': 'a=b' }));
    expect((await ask(app, '/', { 'if-none-match': '"a"' })).headers['set-cookie']).toEqual(['a=b']);
  });

  test('other statuses, redirects and empty bodies come back as they were', async () => {
    await open(({ path }) => {
      if (path === '/moved')
        return { ...ok(''), status: 301, headers: { location: '/x', 'cache-control': 'max-age=60' } };
      if (path === '/none') return { status: 204, headers: { 'cache-control': 'max-age=60' } };
      return { ...ok('gone'), status: 404 };
    });
    for (let times = 0; times < 2; times += 1) {
      const moved = await ask(app, '/moved');
      expect([moved.status, moved.headers.location]).toEqual([301, '/x']);
      const none = await ask(app, '/none');
      expect([none.status, none.text]).toEqual([204, '']);
      expect((await ask(app, '/gone')).status).toBe(404);
    }
    expect(runs).toHaveLength(3);
  });
});

describe('a route in Express', () => {
  test('whose cookie is set at the last moment, by a session behind the cache, is not stored', async () => {
    const cache = createResponseCache({ name: 'pages' });
    const app = express();
    let sessions = 0;
    app.use(cacheResponses({ cache, ttl: '1m' }));
    // As on-headers does it, and with it express-session, cookie-session and csrf middleware.
    app.use((_request, response, next) => {
      const { writeHead } = response;
      let isTold = false;
      response.writeHead = function told(this: typeof response, ...rest: [number]) {
        if (!isTold) response.setHeader('set-cookie', `session=${++sessions}`);
        isTold = true;
        return writeHead.apply(this, rest);
      } as typeof writeHead;
      next();
    });
    app.get('/stream', (_request, response) => void Readable.from([Buffer.from('a'), Buffer.from('b')]).pipe(response));
    app.get('/', (_request, response) => void response.send(`token of ${sessions + 1}`));
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const [at, path] of ['/', '/', '/stream', '/stream'].entries()) {
      const { headers, text, cache: status } = await ask({ port }, path);
      expect([headers['set-cookie'], status]).toEqual([[`session=${at + 1}`], expect.stringMatching(/^fwd=uri-miss/)]);
      if (path === '/') expect(text).toBe(`token of ${at + 1}`);
    }
    server.close();
    server.closeAllConnections();
  });
});
