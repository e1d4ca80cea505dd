/** Two instances of an application on one Redis. */
import { createResponseCache, type ResponseCacheOptions } from '@spillway/cache/http';
import { redisBus } from '@spillway/redis';
import { startRedis } from '@spillway/testkit';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { ask } from '../../support/ask.ts';
import { apps, type Route } from '../../support/http-apps.ts';
import { connect, createBin, freshName, redisCacheStore } from '../../support/redis-fixture.ts';

const bin = createBin();
afterEach(() => bin.empty());

async function instances(route: Route, url: string, more: Partial<ResponseCacheOptions> = {}) {
  const name = freshName().replaceAll('-', '_');
  const open = async (instance: string, start: (typeof apps)[string]) => {
    const link = await connect(bin, { url });
    const bus = bin.keep(redisBus(link, { instance }));
    const cache = bin.keep(createResponseCache({ name, l2: redisCacheStore({ link }), bus, ...more }));
    const app = await start(route, { cache });
    bin.keep({ close: async () => app[Symbol.asyncDispose]() });
    return { app, cache };
  };
  const [express, hono] = [apps.Express, apps.Hono];
  if (express === undefined || hono === undefined) throw new Error('no such apps');
  return { a: await open('a', express), b: await open('b', hono) };
}

describe('two instances on one Redis', () => {
  test('share what either stored, variants too, and a purge at one shows at the other', async () => {
    let version = 1;
    let runs = 0;
    const { a, b } = await instances((asked) => {
      runs += 1;
      return {
        headers: { 'cache-control': 'max-age=600', vary: 'accept-language' },
        body: `${version} ${asked.header('accept-language')}`,
      };
    }, inject('redisUrl'));
    for (const language of ['de', 'en']) {
      expect((await ask(a.app, '/a', { 'accept-language': language })).text).toBe(`1 ${language}`);
      await expect.poll(async () => (await ask(b.app, '/a', { 'accept-language': language })).cache).toMatch(/^hit/);
    }
    const before = runs;
    for (const { app } of [a, b]) expect((await ask(app, '/a', { 'accept-language': 'en' })).text).toBe('1 en');
    expect(runs).toBe(before);
    version = 2;
    expect(await b.cache.purge({ path: '/a' })).toBe('deleted');
    for (const { app } of [a, b]) {
      await expect.poll(async () => (await ask(app, '/a', { 'accept-language': 'de' })).text).toBe('2 de');
    }
  });

  test('a route that was running when the other purged is not kept', async () => {
    const { promise: opened, resolve } = Promise.withResolvers<void>();
    let runs = 0;
    const { a, b } = await instances(async () => {
      runs += 1;
      const own = runs;
      if (own === 1) await opened;
      return { headers: { 'cache-control': 'max-age=600' }, body: `page ${own}` };
    }, inject('redisUrl'));
    const running = ask(a.app, '/');
    await expect.poll(() => runs).toBe(1);
    await b.cache.purge({ path: '/' });
    resolve();
    expect((await running).text).toBe('page 1');
    await expect.poll(async () => (await ask(a.app, '/')).text).not.toBe('page 1');
    const now = (await ask(a.app, '/')).text;
    expect(now).not.toBe('page 1');
    expect((await ask(b.app, '/')).text).not.toBe('page 1');
  });

  test('a Redis that hangs, goes and comes back breaks no route', async () => {
    const server = bin.keep(await startRedis());
    const { a, b } = await instances(
      (asked) => ({ headers: { 'cache-control': 'max-age=600' }, body: asked.path }),
      server.url,
    );
    const check = async (round: string) => {
      for (const { app } of [a, b]) {
        for (const path of ['/a', `/${round}`, '/a']) {
          const { status, text } = await ask(app, path);
          expect([round, status, text]).toEqual([round, 200, path]);
        }
      }
    };
    await check('up');
    server.pause();
    await check('hung');
    server.resume();
    await server.kill();
    await check('gone');
    await server.restart();
    await check('back');
  });
});
