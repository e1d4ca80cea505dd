import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expressSessionStore } from '@spillway/cache/http/express-session';
import { redisSessionRecords } from '@spillway/cache/redis/sessions';
import { memorySessionRecords, type SessionRecords } from '@spillway/cache/sessions';
import { startRedis } from '@spillway/testkit';
import express from 'express';
import session from 'express-session';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { connect, createBin, freshName } from '../../support/redis-fixture.ts';

declare module 'express-session' {
  interface SessionData {
    user: string;
    since: Date;
    visits: number;
  }
}

const bin = createBin();
afterEach(() => bin.empty());

/** A real application; `pass` carries the cookies of one browser. */
async function serve(records: SessionRecords, maxAge?: number) {
  const app = express();
  const held = Promise.withResolvers<void>();
  const holding = Promise.withResolvers<void>();
  app.use(
    session({
      store: expressSessionStore({ records, ttl: '1h' }),
      secret: 'keyboard cat',
      resave: false,
      saveUninitialized: false,
      rolling: true,
      ...(maxAge === undefined ? {} : { cookie: { maxAge } }),
    }),
  );
  app.post('/login', (request, response, next) => {
    request.session.regenerate((error: unknown) => {
      if (error) return next(error);
      request.session.user = 'ada';
      request.session.since = new Date(0);
      request.session.visits = 0;
      response.json({ id: request.sessionID });
    });
  });
  app.get('/me', (request, response) => {
    const { user, since, visits } = request.session;
    if (visits !== undefined) request.session.visits = visits + 1;
    response.json({ user, visits, isDate: since instanceof Date });
  });
  app.get('/slow', async (request, response) => {
    holding.resolve();
    await held.promise;
    request.session.visits = 100;
    response.json({});
  });
  app.post('/logout', (request, response, next) => {
    request.session.destroy((error: unknown) => (error ? next(error) : response.json({})));
  });
  app.use((error: Error, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
    response.status(503).json({ error: error.name });
  });
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  bin.keep({
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const browser = (cookie = '') => ({
    get cookie() {
      return cookie;
    },
    async pass(method: string, path: string): Promise<[number, Record<string, unknown>]> {
      const response = await fetch(base + path, { method, headers: cookie === '' ? {} : { cookie } });
      const given = response.headers.getSetCookie()[0];
      if (given !== undefined) cookie = given.split(';')[0] ?? '';
      return [response.status, (await response.json()) as Record<string, unknown>];
    },
  });
  return { browser, release: held.resolve, holding: holding.promise };
}

const stores: [string, () => Promise<SessionRecords>][] = [
  ['memory', async () => memorySessionRecords()],
  [
    'Redis',
    async () => redisSessionRecords({ link: await connect(bin, { url: inject('redisUrl') }), name: freshName() }),
  ],
];

describe.each(stores)('express-session over %s', (_, create) => {
  test('logs in, keeps its data with their types, and logs out', async () => {
    const { browser } = await serve(await create());
    const ada = browser();
    const stranger = browser();
    expect((await ada.pass('POST', '/login'))[0]).toBe(200);
    expect(await ada.pass('GET', '/me')).toEqual([200, { user: 'ada', visits: 0, isDate: true }]);
    expect(await ada.pass('GET', '/me')).toEqual([200, { user: 'ada', visits: 1, isDate: true }]);
    expect(await stranger.pass('GET', '/me')).toEqual([200, { isDate: false }]);
    const stolen = browser(ada.cookie);
    expect((await ada.pass('POST', '/logout'))[0]).toBe(200);
    expect(await stolen.pass('GET', '/me')).toEqual([200, { isDate: false }]);
  });

  test('one that was destroyed does not come back by a request that was under way', async () => {
    const { browser, release, holding } = await serve(await create());
    const ada = browser();
    await ada.pass('POST', '/login');
    const slow = browser(ada.cookie);
    const late = browser(ada.cookie);
    const answer = slow.pass('GET', '/slow');
    await holding;
    await ada.pass('POST', '/logout');
    release();
    expect((await answer)[0]).toBe(200);
    expect(await late.pass('GET', '/me')).toEqual([200, { isDate: false }]);
  });

  test('lives as long as its cookie says', async () => {
    const { browser } = await serve(await create(), 1_000);
    const ada = browser();
    await ada.pass('POST', '/login');
    // Longer than one life in all, each request before the end of the last one's.
    const begun = performance.now();
    while (performance.now() - begun < 1_300) {
      expect((await ada.pass('GET', '/me'))[1]).toMatchObject({ user: 'ada' });
    }
    const copy = ada.cookie;
    await expect
      .poll(async () => (await browser(copy).pass('GET', '/me'))[1].user, { interval: 1_100 })
      .toBeUndefined();
  });
});

test('trouble of the store is an error of the request, never a request without its session', async () => {
  const server = bin.keep(await startRedis());
  const link = await connect(bin, { url: server.url, deadline: '300ms' });
  const { browser } = await serve(redisSessionRecords({ link, name: 'web' }));
  const ada = browser();
  await ada.pass('POST', '/login');
  await server.kill();
  expect(await ada.pass('GET', '/me')).toEqual([503, { error: 'StoreUnavailableError' }]);
  expect(await browser().pass('POST', '/login')).toEqual([503, { error: 'StoreUnavailableError' }]);
});
