import { describe, expect, test } from 'vitest';
import { gate, handClock, settle } from '../testing/fixture.ts';
import { memoryBuses } from '../testing/memory-bus.ts';
import { memoryCacheStore } from '../testing/memory-cache-store.ts';
import { cacheResponses } from './fetch.ts';
import type { ResponseCacheOptions } from './options.ts';
import { createResponseCache, type ResponseCache } from './response-cache.ts';
import type { CacheResponsesOptions } from './route.ts';

type Handler = (request: Request) => Response | Promise<Response>;
type RouteOptions = Omit<CacheResponsesOptions<[Request]>, 'cache'>;

/** One instance, or several on one store, before routes that count how often they ran. */
function world(options: Partial<ResponseCacheOptions> = {}) {
  const clock = handClock();
  const store = memoryCacheStore(clock);
  const nextBus = memoryBuses();
  const now = () => 1_767_225_600_000 + clock.nowUs() / 1000;
  const create = (): ResponseCache =>
    createResponseCache({ name: 'pages', l2: store, bus: nextBus(), clock, now, random: () => 0, ...options });
  const cache = create();
  let runs = 0;
  const route = (handler: Handler, more: RouteOptions = {}, own = cache) => {
    const cached = cacheResponses(
      (request: Request) => {
        runs += 1;
        return handler(request);
      },
      { cache: own, ...more },
    );
    return async (path = '/', headers: Record<string, string> = {}, init: RequestInit = {}) => {
      const response = await cached(new Request(`http://a.example${path}`, { ...init, headers }));
      return {
        status: response.status,
        headers: response.headers,
        body: await response.text(),
        cache: (response.headers.get('cache-status') ?? '').replace(/^pages;/, ''),
      };
    };
  };
  return { clock, store, cache, create, route, runs: () => runs };
}

const page = (control: string, more: Record<string, string> = {}) => {
  let count = 0;
  return () => {
    count += 1;
    return new Response(`page ${count}`, { headers: { 'cache-control': control, ...more } });
  };
};

describe('a stored response', () => {
  test('answers until it is stale, tells its age, and has a weak tag', async () => {
    const { route, clock } = world();
    const ask = route(page('max-age=60'));
    const first = await ask();
    expect([first.body, first.cache, first.headers.has('age')]).toEqual([
      'page 1',
      'fwd=uri-miss;fwd-status=200',
      false,
    ]);
    await settle();
    clock.advanceMs(3_000);
    const second = await ask();
    expect([second.body, second.cache, second.headers.get('age')]).toEqual(['page 1', 'hit;ttl=57', '3']);
    expect(second.headers.get('etag')).toMatch(/^W\/".{27}"$/);
    clock.advanceMs(57_000);
    expect((await ask()).body).toBe('page 2');
  });

  test('each route its own time, in one cache', async () => {
    const { route, clock } = world();
    const short = route(page('max-age=1'));
    const long = route(page('max-age=600'));
    await short('/short');
    await long('/long');
    clock.advanceMs(10_000);
    expect([(await short('/short')).body, (await long('/long')).body]).toEqual(['page 2', 'page 1']);
  });

  test('answers 304 to whoever has it, also when the route has to run', async () => {
    const { route, runs } = world();
    const seen: (string | null)[] = [];
    const ask = route((request) => {
      seen.push(request.headers.get('if-none-match'));
      return new Response('page', { headers: { 'cache-control': 'max-age=60', etag: '"a"', 'x-own': '1' } });
    });
    const first = await ask('/', { 'if-none-match': '"a"' });
    expect([first.status, first.body, first.headers.get('etag'), first.headers.has('x-own')]).toEqual([
      304,
      '',
      '"a"',
      false,
    ]);
    expect(seen).toEqual([null]);
    await settle();
    expect((await ask('/', { 'if-none-match': '"a"' })).status).toBe(304);
    expect((await ask('/', { 'if-none-match': '"b"' })).body).toBe('page');
    expect(runs()).toBe(1);
  });

  test('answers a range and a HEAD, and neither is ever stored', async () => {
    const { route, runs } = world();
    const ask = route((request) =>
      request.headers.has('range')
        ? new Response('pa', {
            status: 206,
            headers: { 'cache-control': 'max-age=60', 'content-range': 'bytes 0-1/4' },
          })
        : new Response('page', { headers: { 'cache-control': 'max-age=60' } }),
    );
    expect((await ask('/', { range: 'bytes=0-1' })).status).toBe(206);
    expect((await ask('/', {}, { method: 'HEAD' })).cache).toBe('fwd=uri-miss');
    expect((await ask()).body).toBe('page');
    expect(runs()).toBe(3);
    const part = await ask('/', { range: 'bytes=1-2' });
    expect([part.status, part.body, part.headers.get('content-range')]).toEqual([206, 'ag', 'bytes 1-2/4']);
    const none = await ask('/', { range: 'bytes=9-' });
    expect([none.status, none.headers.get('content-range')]).toEqual([416, 'bytes */4']);
    const head = await ask('/', {}, { method: 'HEAD' });
    expect([head.body, head.headers.get('content-length'), head.cache]).toEqual(['', '4', 'hit;ttl=60']);
    expect(runs()).toBe(3);
  });

  test('leaves what belongs to one connection or client behind', async () => {
    const { route } = world();
    const ask = route(page('max-age=60', { connection: 'x-hop', 'x-hop': '1', ratelimit: '"a";r=1', 'x-own': '1' }));
    await ask();
    const { headers } = await ask();
    expect(['x-hop', 'connection', 'ratelimit', 'x-own'].map((name) => headers.has(name))).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  test('and one whose body breaks off, or is not what it announced, is none', async () => {
    const { route, runs } = world();
    const broken = () => {
      const body = new ReadableStream({
        pull(controller) {
          controller.error(new Error('broken'));
        },
      });
      return new Response(body, { headers: { 'cache-control': 'max-age=60' } });
    };
    const ask = route(broken);
    await expect(ask()).rejects.toThrow('broken');
    await expect(ask()).rejects.toThrow('broken');
    const short = route(page('max-age=60', { 'content-length': '99' }));
    await short('/short');
    await short('/short');
    expect(runs()).toBe(4);
  });
});

describe('who gets what', () => {
  test('a page made for a cookie or an Authorization is nobody else’s, nor theirs the one for all', async () => {
    for (const name of ['cookie', 'authorization', 'x-api-key']) {
      const { route } = world();
      const ask = route((request) => new Response(`for ${request.headers.get(name)}`), { ttl: '1m' });
      expect((await ask('/', { [name]: 'ada' })).body).toBe('for ada');
      expect((await ask('/', { [name]: 'bob' })).body).toBe('for bob');
      expect((await ask()).body).toBe('for null');
      expect((await ask()).cache).toBe('hit;ttl=60');
      const ada = await ask('/', { [name]: 'ada' });
      expect([ada.body, ada.cache]).toEqual(['for ada', 'fwd=bypass;detail=credentials']);
    }
  });

  test('a public one is for all', async () => {
    const { route, runs } = world();
    const ask = route(page('public, max-age=60'));
    for (const cookie of ['a', 'b']) expect((await ask('/', { cookie })).body).toBe('page 1');
    expect([(await ask()).body, runs()]).toEqual(['page 1', 1]);
  });

  test('each known user has pages of their own, which other caches leave alone', async () => {
    const { route, runs } = world();
    const ask = route((request) => new Response(`for ${request.headers.get('cookie')}`), {
      ttl: '1m',
      user: (request) => request.headers.get('cookie') ?? undefined,
    });
    for (let times = 0; times < 2; times += 1) {
      for (const cookie of ['ada', 'bob']) {
        const { body, headers } = await ask('/', { cookie });
        expect([body, headers.get('cache-control')]).toEqual([`for ${cookie}`, 'private']);
      }
    }
    expect((await ask()).headers.has('cache-control')).toBe(false);
    expect(runs()).toBe(3);
  });

  test('an unknown user of a route that knows users is treated as if it did not', async () => {
    const { route, runs } = world();
    const ask = route(() => new Response('page'), { ttl: '1m', user: () => undefined });
    await ask('/', { cookie: 'a' });
    await ask('/', { cookie: 'a' });
    expect(runs()).toBe(2);
  });

  test('what varies is kept by the fields that it names', async () => {
    const { route, runs } = world();
    const ask = route(
      (request) =>
        new Response(`${request.headers.get('accept-language')}`, {
          headers: { 'cache-control': 'max-age=60', vary: 'Accept-Language' },
        }),
    );
    for (let times = 0; times < 2; times += 1) {
      for (const language of ['de', 'en', 'fr']) {
        const { body, cache } = await ask('/', { 'accept-language': language });
        expect([language, body]).toEqual([language, language]);
        if (times === 0 && language === 'en') expect(cache).toMatch(/^fwd=vary-miss/);
        if (times === 1) expect(cache).toBe('hit;ttl=60');
      }
    }
    expect(runs()).toBe(3);
  });

  test('and apart from the same fields of another path, user or query', async () => {
    const { route } = world();
    const ask = route(
      (request) =>
        new Response(`${request.url} ${request.headers.get('x-user')} ${request.headers.get('accept')}`, {
          headers: { 'cache-control': 'max-age=60', vary: 'accept' },
        }),
      { user: (request) => request.headers.get('x-user') ?? undefined },
    );
    for (let times = 0; times < 2; times += 1) {
      for (const path of ['/a', '/b', '/a?x=1']) {
        for (const user of ['ada', 'bob']) {
          for (const accept of ['x', 'y', 'z']) {
            const { body, cache } = await ask(path, { accept, 'x-user': user });
            expect(body).toBe(`http://a.example${path} ${user} ${accept}`);
            if (times === 1) expect(cache).toBe('hit;ttl=60');
          }
        }
      }
    }
  });

  test('a variant that depends on more than was known is not given to others', async () => {
    const { route, clock } = world();
    const ask = route((request) => {
      const vary = request.headers.get('accept') === 'b' ? 'accept, origin' : 'accept';
      const body = `${request.headers.get('accept')} ${request.headers.get('origin')}`;
      return new Response(body, { headers: { 'cache-control': 'max-age=60', vary } });
    });
    await ask('/', { accept: 'a' });
    for (let times = 0; times < 3; times += 1) {
      for (const origin of ['x', 'y']) expect((await ask('/', { accept: 'b', origin })).body).toBe(`b ${origin}`);
    }
    expect((await ask('/', { accept: 'b', origin: 'x' })).cache).toMatch(/^hit/);
    // What was once seen to matter is not forgotten for an answer that does not name it.
    await settle();
    clock.advanceMs(70_000);
    await ask('/', { accept: 'a' });
    await ask('/', { accept: 'b', origin: 'x' });
    expect((await ask('/', { accept: 'b', origin: 'x' })).cache).toMatch(/^hit/);
  });

  test('a route may name its key, and leave requests alone', async () => {
    const { route, cache, runs } = world();
    const ask = route(page('max-age=60'), {
      key: (request) => new URL(request.url).searchParams.get('id') ?? undefined,
    });
    expect([(await ask('/?id=1')).body, (await ask('/x?id=1&utm=2')).body]).toEqual(['page 1', 'page 1']);
    expect((await ask('/')).cache).toBe('fwd=bypass;detail=no-key');
    await cache.purge({ key: '1' });
    expect((await ask('/?id=1')).body).toBe('page 3');
    expect(runs()).toBe(3);
  });
});

describe('one flight', () => {
  test('runs the route once for all who ask meanwhile', async () => {
    const { route, runs } = world();
    const open = gate();
    const ask = route(async () => {
      await open.promise;
      return new Response('page', { headers: { 'cache-control': 'max-age=60' } });
    });
    const all = Array.from({ length: 50 }, () => ask());
    await settle();
    open.resolve();
    const answers = await Promise.all(all);
    expect(new Set(answers.map(({ body }) => body))).toEqual(new Set(['page']));
    expect(answers.filter(({ cache }) => cache.includes('collapsed'))).toHaveLength(49);
    expect(runs()).toBe(1);
  });

  test('shares as little behind a private page as without a cache, and the next do not even wait', async () => {
    const { route, runs } = world({ waitFor: '1h' });
    const gates = [gate(), gate(), gate(), gate()];
    const ask = route(async () => {
      const own = runs();
      await gates[own - 1]?.promise;
      return new Response(`page ${own}`, { headers: { 'cache-control': 'private' } });
    });
    const two = [ask(), ask()];
    await settle();
    gates[0]?.resolve();
    await expect.poll(runs).toBe(2);
    const later = [ask(), ask()];
    await expect.poll(runs).toBe(4);
    for (const { resolve } of gates) resolve();
    const bodies = (await Promise.all([...two, ...later])).map(({ body }) => body);
    expect(bodies.sort()).toEqual(['page 1', 'page 2', 'page 3', 'page 4']);
  });

  test('what a cookie keeps from being stored, those without one share all the same', async () => {
    const { route, runs } = world();
    const first = gate();
    const ask = route(async () => {
      const own = runs();
      if (own === 1) await first.promise;
      return new Response(`page ${own}`, { headers: { 'cache-control': 'max-age=60' } });
    });
    const leader = ask('/', { cookie: 'a' });
    await settle();
    const others = [ask(), ask(), ask()];
    await settle();
    first.resolve();
    expect((await leader).body).toBe('page 1');
    expect((await Promise.all(others)).map(({ body }) => body)).toEqual(['page 2', 'page 2', 'page 2']);
    expect((await ask()).cache).toMatch(/^hit/);
  });

  test('a client that leaves does not take the answer from the others', async () => {
    const more = gate();
    const { cache } = world();
    let own = 0;
    const handler = cacheResponses(
      () => {
        own += 1;
        const body = new ReadableStream({
          async start(controller) {
            controller.enqueue(new TextEncoder().encode('pa'));
            await more.promise;
            controller.enqueue(new TextEncoder().encode('ge'));
            controller.close();
          },
        });
        return new Response(body, { headers: { 'cache-control': 'max-age=60' } });
      },
      { cache },
    );
    const leaving = await handler(new Request('http://a/'));
    const waiting = handler(new Request('http://a/'));
    await leaving.body?.cancel();
    more.resolve();
    expect(await (await waiting).text()).toBe('page');
    expect(own).toBe(1);
  });

  test('when the first is broken off, the next leads', async () => {
    const { route, runs } = world();
    const first = gate();
    const ask = route(async () => {
      if (runs() > 1) return new Response('page', { headers: { 'cache-control': 'max-age=60' } });
      const body = new ReadableStream({
        async pull(controller) {
          await first.promise;
          controller.error(new Error('cut'));
        },
      });
      return new Response(body, { headers: { 'cache-control': 'max-age=60' } });
    });
    const leader = ask().catch((error: Error) => error.message);
    await settle();
    const others = [ask(), ask(), ask()];
    await settle();
    first.resolve();
    expect(await leader).toBe('cut');
    expect((await Promise.all(others)).map(({ body }) => body)).toEqual(['page', 'page', 'page']);
    expect(runs()).toBe(2);
  });

  test('beyond its bound a body streams on, unstored and not gathered', async () => {
    const { cache } = world({ maxBodyBytes: 1_000 });
    let pulled = 0;
    const handler = cacheResponses(
      () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              pulled += 1;
              if (pulled > 100) controller.close();
              else controller.enqueue(new Uint8Array(500));
            },
          }),
          { headers: { 'cache-control': 'max-age=60' } },
        ),
      { cache },
    );
    const response = await handler(new Request('http://a/'));
    await settle();
    expect(pulled).toBeLessThan(6);
    expect((await response.arrayBuffer()).byteLength).toBe(50_000);
  });
});

describe('past its time', () => {
  test('stale-while-revalidate: one asks anew, the others get the old one at once', async () => {
    const { route, clock, runs } = world();
    const second = gate();
    const ask = route(async () => {
      const own = runs();
      if (own > 1) await second.promise;
      return new Response(`page ${own}`, { headers: { 'cache-control': 'max-age=10, stale-while-revalidate=20' } });
    });
    await ask();
    clock.advanceMs(15_000);
    const leader = ask();
    await settle();
    const other = await ask();
    expect([other.body, other.cache]).toEqual(['page 1', 'hit;ttl=-5']);
    second.resolve();
    const led = await leader;
    expect([led.body, led.cache]).toEqual(['page 2', 'fwd=stale;fwd-status=200']);
    expect([(await ask()).body, runs()]).toEqual(['page 2', 2]);
  });

  test('beyond that everyone waits', async () => {
    const { route, clock, runs } = world();
    const second = gate();
    const ask = route(async () => {
      const own = runs();
      if (own > 1) await second.promise;
      return new Response(`page ${own}`, { headers: { 'cache-control': 'max-age=10, stale-while-revalidate=20' } });
    });
    await ask();
    clock.advanceMs(31_000);
    const both = [ask(), ask()];
    await settle();
    second.resolve();
    expect((await Promise.all(both)).map(({ body }) => body)).toEqual(['page 2', 'page 2']);
  });

  test('stale-if-error: the old one stands in for a route that fails or throws, as long as it may', async () => {
    const { route, clock } = world();
    let fails: 'no' | 'answers' | 'throws' | 'refuses' = 'no';
    const ask = route(() => {
      if (fails === 'throws') throw new Error('broke');
      if (fails === 'answers') return new Response('broken', { status: 503 });
      if (fails === 'refuses') return new Response('gone', { status: 404 });
      return new Response('page', { headers: { 'cache-control': 'max-age=10, stale-if-error=60' } });
    });
    await ask();
    clock.advanceMs(15_000);
    fails = 'answers';
    const stood = await ask();
    expect([stood.status, stood.body, stood.headers.get('age')]).toEqual([200, 'page', '15']);
    expect(stood.cache).toBe('fwd=stale;fwd-status=503;ttl=-5;detail=stale-if-error');
    fails = 'throws';
    expect((await ask()).body).toBe('page');
    fails = 'refuses';
    expect((await ask()).status).toBe(404);
    fails = 'throws';
    clock.advanceMs(60_000);
    await expect(ask()).rejects.toThrow('broke');
    fails = 'answers';
    expect((await ask()).body).toBe('broken');
  });

  test('must-revalidate: nothing stands in', async () => {
    const { route, clock, runs } = world();
    const ask = route(
      () => {
        if (runs() > 1) throw new Error('broke');
        return new Response('page', { headers: { 'cache-control': 'max-age=10, must-revalidate' } });
      },
      { staleIfError: '1h', staleWhileRevalidate: '1h' },
    );
    await ask();
    clock.advanceMs(15_000);
    await expect(ask()).rejects.toThrow('broke');
  });
});

describe('a purge', () => {
  test('lets go of every query, user and variant of a path, on every instance', async () => {
    const { route, create } = world();
    const other = create();
    const handler = (request: Request) =>
      new Response(request.url, { headers: { 'cache-control': 'public, max-age=60', vary: 'accept' } });
    const [here, there] = [route(handler), route(handler, {}, other)];
    const asks = [here, there].flatMap((ask) => [
      () => ask('/a'),
      () => ask('/a?x=1'),
      () => ask('/A/', { accept: 'x' }),
    ]);
    for (const ask of asks) await ask();
    for (const ask of asks) expect((await ask()).cache).toMatch(/^hit/);
    await here('/b');
    expect(await other.purge({ path: '/a' })).toBe('deleted');
    await settle();
    expect((await here('/b')).cache).toMatch(/^hit/);
    const found = [];
    for (const ask of asks) found.push((await ask()).cache.split(';', 1)[0]);
    // The first three run their routes; the others find in L2 what these stored.
    expect(found).toEqual(['fwd=uri-miss', 'fwd=uri-miss', expect.stringMatching('fwd='), 'hit', 'hit', 'hit']);
  });

  test('and of a response whose route was running', async () => {
    const { route, cache, runs } = world();
    const first = gate();
    const ask = route(async () => {
      const own = runs();
      if (own === 1) await first.promise;
      return new Response(`page ${own}`, { headers: { 'cache-control': 'max-age=60', vary: 'accept' } });
    });
    const before = ask();
    await settle();
    await cache.purge({ path: '/' });
    first.resolve();
    expect((await before).body).toBe('page 1');
    await settle();
    expect((await ask()).body).toBe('page 2');
  });

  test('follows a request that changed something', async () => {
    const { route } = world();
    let name = 'old';
    const ask = route((request) => {
      if (request.method === 'PUT') {
        name = 'new';
        return new Response(null, { status: 204 });
      }
      if (request.method === 'POST') return new Response('no', { status: 400 });
      return new Response(name, { headers: { 'cache-control': 'max-age=60' } });
    });
    await ask('/a?x=1');
    expect((await ask('/a', {}, { method: 'POST' })).cache).toBe('fwd=method');
    expect((await ask('/a?x=1')).cache).toMatch(/^hit/);
    await ask('/a', {}, { method: 'PUT' });
    expect((await ask('/a?x=1')).body).toBe('new');
  });
});

describe('when the cache is in trouble', () => {
  test('a store that is away costs nothing but the sharing', async () => {
    const { route, store, runs } = world();
    store.before = () => Promise.reject(new Error('away'));
    const ask = route(page('max-age=60'));
    expect([(await ask()).body, (await ask()).body, runs()]).toEqual(['page 1', 'page 1', 1]);
    store.turn('down');
    expect((await ask('/other')).status).toBe(200);
  });

  test('a closed cache leaves everything to the route', async () => {
    const { route, cache } = world();
    const ask = route(page('max-age=60'));
    await ask();
    await cache.close();
    expect((await ask()).status).toBe(200);
  });

  test('an entry that can not be read is loaded anew', async () => {
    const { route, create } = world();
    const ask = route(page('max-age=60'));
    await ask();
    await settle();
    const other = create();
    expect((await route(page('max-age=60'), {}, other)()).status).toBe(200);
  });

  test('options that can not be met are refused when it is made', () => {
    const options = { name: '', keep: '0s', waitFor: '0s', maxBodyBytes: -1, maxStale: 'soon' } as never;
    expect(() => createResponseCache(options)).toThrow('The response cache has wrong options');
    const cache = createResponseCache({ name: 'a' });
    expect(() => cacheResponses(() => new Response(), { cache, ttl: 'soon' as never })).toThrow(
      '"soon" is not a duration',
    );
    expect(() => cacheResponses(() => new Response(), { cache: {} as never })).toThrow('createResponseCache()');
  });

  test('a user that is no string fails the request: it would be somebody else', async () => {
    const { route } = world();
    const ask = route(page('max-age=60'), { user: () => 7 as never });
    await expect(ask()).rejects.toThrow('user() must give a string or undefined, got number; write e.g. String(id)');
  });
});
