import { describe, expect, test } from 'vitest';
import { gate, handClock, settle } from '../testing/fixture.ts';
import { memoryBuses } from '../testing/memory-bus.ts';
import { memoryCacheStore } from '../testing/memory-cache-store.ts';
import { cacheResponses } from './fetch.ts';
import { createResponseCache, type ResponseCache } from './response-cache.ts';

type Handler = (request: Request) => Response | Promise<Response>;

/** Instances on one store; every page is under the tag of its first segment and under "all". */
function instances() {
  const clock = handClock();
  const l2 = memoryCacheStore(clock);
  const nextBus = memoryBuses();
  return () => {
    const cache = createResponseCache({ name: 'pages', l2, bus: nextBus(), clock, random: () => 0 });
    const ask = (handler: Handler, own: ResponseCache = cache) => {
      const tags = (request: Request) => [`section:${new URL(request.url).pathname.split('/')[1]}`, 'all'];
      const answer = cacheResponses(handler, { cache: own, ttl: '10m', tags });
      return async (path: string, headers: Record<string, string> = {}) =>
        (await answer(new Request(`http://a.example${path}`, { headers }))).text();
    };
    return { cache, ask };
  };
}

describe('a purge by tag', () => {
  test('lets go of every path, query and variant under it, on every instance, and of nothing else', async () => {
    const create = instances();
    const [a, b] = [create(), create()];
    let version = 1;
    const route: Handler = (request) =>
      new Response(`${version} ${new URL(request.url).pathname}`, { headers: { vary: 'accept-language' } });
    const [askA, askB] = [a.ask(route), b.ask(route)];
    const paths = ['/news/1', '/news/2?page=2', '/sports/1'];
    const all = async () => {
      const texts: string[] = [];
      for (const ask of [askA, askB]) {
        for (const path of paths) {
          for (const language of ['de', 'en']) texts.push(`${(await ask(path, { 'accept-language': language }))[0]}`);
          await settle();
        }
      }
      return texts.join('');
    };
    expect(await all()).toBe('111111111111');
    version = 2;
    expect(await all()).toBe('111111111111');
    expect(await b.cache.purge({ tags: ['section:news'] })).toBe('deleted');
    expect(await all()).toBe('222211222211');
    version = 3;
    await a.cache.purge({ tags: ['section:none', 'all'] });
    expect(await all()).toBe('333333333333');
  });

  test('G5: what a running route brings is not kept', async () => {
    const create = instances();
    const [a, b] = [create(), create()];
    const running = gate();
    let runs = 0;
    const ask = a.ask(async () => {
      runs += 1;
      const own = runs;
      if (own === 1) await running.promise;
      return new Response(`page ${own}`);
    });
    const first = ask('/news/1');
    await settle();
    await b.cache.purge({ tags: ['all'] });
    running.resolve();
    expect(await first).toBe('page 1');
    await settle();
    expect(await ask('/news/1')).toBe('page 2');
    await settle();
    expect(await ask('/news/1')).toBe('page 2');
  });

  test.each([[['x'.repeat(257)]], ['all'], [[7]]])('wrong tags are the route’s error: %o', async (wrong) => {
    const cache = createResponseCache({ name: 'pages' });
    const answer = cacheResponses(() => new Response('page'), { cache, ttl: '1m', tags: () => wrong as string[] });
    await expect(answer(new Request('http://a.example/'))).rejects.toThrow(/tag/i);
  });
});
