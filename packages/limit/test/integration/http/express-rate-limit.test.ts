/** The store in the real express-rate-limit, in the real Express, on a real socket. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type LimitStore, memoryLimitStore } from '@spillway/limit';
import { ExpressRateLimitStore } from '@spillway/limit/http/express-rate-limit';
import { createFakeClock } from '@spillway/limit/testing';
import express, { type ErrorRequestHandler } from 'express';
import { type Options, rateLimit } from 'express-rate-limit';
import { afterEach, describe, expect, test } from 'vitest';

const clock = createFakeClock();
let server: Server;
let errors: unknown[];
/** What the library finds wrong, with the store for instance: it only prints it. */
let complaints: unknown[];

async function open(options: Partial<Options>) {
  const app = express();
  errors = [];
  complaints = [];
  const complain = (...args: unknown[]) => {
    complaints.push(args);
  };
  const logger = { error: complain, warn: complain };
  const limit = rateLimit({ windowMs: 60_000, limit: 2, standardHeaders: 'draft-8', logger, ...options });
  app.use(limit);
  app.get('/:status', (request, response) => {
    response.status(Number(request.params.status)).send('hello');
  });
  const answerError: ErrorRequestHandler = (error, _request, response, _next) => {
    errors.push(error);
    response.status(500).end();
  };
  app.use(answerError);
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const get = (path = '200') => fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${path}`);
  const statuses = async (...paths: string[]) => {
    const found: number[] = [];
    for (const path of paths) found.push((await get(path)).status);
    return found;
  };
  return { limit, get, statuses };
}

async function close() {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

afterEach(async () => {
  await close();
  expect(complaints).toEqual([]);
});

describe('the store for express-rate-limit', () => {
  test('counts a window from its first hit, and says when it ends', async () => {
    const { get, statuses } = await open({ store: new ExpressRateLimitStore({ store: memoryLimitStore({ clock }) }) });
    const first = await get();
    expect(first.headers.get('x-ratelimit-remaining')).toBe('1');
    const left = Number(first.headers.get('x-ratelimit-reset')) - Date.now() / 1000;
    expect(left).toBeGreaterThan(58);
    expect(left).toBeLessThanOrEqual(61);
    clock.advance('59s');
    expect(await statuses('200', '200', '200')).toEqual([200, 429, 429]);
    clock.advance('1s');
    expect(await statuses('200', '200', '200')).toEqual([200, 200, 429]);
    expect(errors).toEqual([]);
  });

  test('instances that share a store share the count', async () => {
    const store = memoryLimitStore({ clock });
    for (const expected of [[200], [200, 429]]) {
      const { statuses } = await open({ store: new ExpressRateLimitStore({ store }) });
      expect(await statuses(...expected.map(() => '200'))).toEqual(expected);
      await close();
    }
  });

  test('gives back what is not to be counted', async () => {
    const { limit, statuses } = await open({
      store: new ExpressRateLimitStore({ store: memoryLimitStore({ clock }) }),
      keyGenerator: () => 'ada',
      skipSuccessfulRequests: true,
    });
    for (let times = 0; times < 5; times += 1) {
      expect(await statuses('200')).toEqual([200]);
      await expect.poll(async () => limit.getKey('ada')).toBeUndefined();
    }
    expect(await statuses('401', '401', '401')).toEqual([401, 401, 429]);
  });

  test('tells and forgets a key', async () => {
    const { limit, statuses } = await open({
      store: new ExpressRateLimitStore({ store: memoryLimitStore({ clock }) }),
      keyGenerator: () => 'ada',
    });
    expect(await limit.getKey('ada')).toBeUndefined();
    expect(await statuses('200', '200', '200')).toEqual([200, 200, 429]);
    expect(await limit.getKey('ada')).toEqual({ totalHits: 3, resetTime: expect.any(Date) });
    await limit.resetKey('ada');
    expect(await limit.getKey('ada')).toBeUndefined();
    expect(await statuses('200')).toEqual([200]);
  });

  test('prefixes and windows keep limits in one store apart, whatever they hold', async () => {
    const store = memoryLimitStore({ clock });
    const made = (prefix: string, windowMs: number) => {
      const one = new ExpressRateLimitStore({ store, prefix });
      one.init({ windowMs });
      return one;
    };
    const [ab, a, b] = [made('ab', 60_000), made('a', 60_000), made('a', 1_000)];
    await ab.increment('c');
    expect(await a.increment('bc')).toMatchObject({ totalHits: 1 });
    expect(await b.increment('bc')).toMatchObject({ totalHits: 1 });
    expect(await a.increment('bc')).toMatchObject({ totalHits: 2 });
    expect([a.prefix, a.localKeys]).toEqual(['a', true]);
  });

  test('a key blocked in the store is refused', async () => {
    const store = memoryLimitStore({ clock });
    const blockAll: LimitStore = {
      ...store,
      take: async (_key, policies) => ({
        atUs: 0,
        verdicts: policies.map(() => ({
          outcome: 'denied',
          reason: 'blocked',
          retryAfterUs: 90_000_000,
          remaining: 0,
          refillAfterUs: 0,
          resetAfterUs: 0,
        })),
      }),
    };
    const { get } = await open({ store: new ExpressRateLimitStore({ store: blockAll }) });
    const { status, headers } = await get();
    expect(status).toBe(429);
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(60);
  });

  test('a store that does not answer reaches the error handler, or lets through where that is wanted', async () => {
    const gone = new Error('gone');
    const store: LimitStore = { ...memoryLimitStore({ clock }), scope: 'shared', take: () => Promise.reject(gone) };
    const { statuses } = await open({ store: new ExpressRateLimitStore({ store }) });
    expect(await statuses('200')).toEqual([500]);
    expect(errors).toEqual([gone]);
    await close();
    const lenient = await open({ store: new ExpressRateLimitStore({ store }), passOnStoreError: true });
    expect(await lenient.statuses('200')).toEqual([200]);
    expect(complaints.splice(0)).toEqual([expect.arrayContaining([gone])]);
  });

  test('refuses to count without a window, and in a store that has none', async () => {
    await open({});
    const unready = new ExpressRateLimitStore({ store: memoryLimitStore({ clock }) });
    await expect(unready.increment('ada')).rejects.toThrow('The store knows no window yet');
    const store: LimitStore = { ...memoryLimitStore({ clock }), strategies: new Set(['token-bucket']) };
    expect(() => new ExpressRateLimitStore({ store })).toThrow(
      'counts in fixed windows, which this store does not have',
    );
  });
});
