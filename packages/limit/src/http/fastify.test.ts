import Fastify from 'fastify';
import { describe, expect, test } from 'vitest';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import { createLimiter } from '../limiter.ts';
import type { LimitStore } from '../store.ts';
import { rateLimit, rateLimitHook } from './fastify.ts';

const clock = { nowUs: () => 0 };
const policy = tokenBucket({ name: 'client', capacity: 2, refill: { tokens: 2, every: '1m' } });
const ask = (app: ReturnType<typeof Fastify>, headers: Record<string, string> = {}, remoteAddress = '192.0.2.1') =>
  app.inject({ method: 'GET', url: '/', headers, remoteAddress });

describe('the Fastify plugin', () => {
  test('limits every route by client address, and tells how it stands', async () => {
    const app = Fastify();
    app.register(rateLimit, { limiter: createLimiter({ policy }, { clock }) });
    app.get('/', async () => 'hello');
    const first = await ask(app);
    expect(first.statusCode).toBe(200);
    expect(first.headers).toMatchObject({ 'ratelimit-policy': '"client";q=2;w=60', ratelimit: '"client";r=1;t=30' });
    expect(first.headers).not.toHaveProperty('retry-after');
    await ask(app);
    const third = await ask(app);
    expect(third.statusCode).toBe(429);
    expect(third.headers).toMatchObject({
      'content-type': expect.stringMatching(/^application\/problem\+json/),
      'retry-after': '30',
      ratelimit: '"client";r=0;t=30',
    });
    expect(third.json()).toMatchObject({ status: 429, 'violated-policies': ['client'] });
    expect((await ask(app, {}, '192.0.2.2')).statusCode).toBe(200);
    await app.close();
  });

  test('believes X-Forwarded-For only where Fastify is told to trust the proxy', async () => {
    for (const [trustProxy, third] of [
      [false, 429],
      ['10.0.0.0/8', 200],
    ] as const) {
      const app = Fastify({ trustProxy });
      app.register(rateLimit, { limiter: createLimiter({ policy }, { clock }) });
      app.get('/', async () => 'hello');
      const codes: number[] = [];
      for (const client of ['198.51.100.1', '198.51.100.2', '198.51.100.3']) {
        codes.push((await ask(app, { 'x-forwarded-for': client }, '10.0.0.1')).statusCode);
      }
      expect(codes).toEqual([200, 200, third]);
      await app.close();
    }
  });

  test('charges by key and cost, charges nobody without a key, and lets the application answer', async () => {
    const app = Fastify();
    const limiter = createLimiter({ policy }, { clock });
    app.register(rateLimit, {
      limiter,
      key: (request) => request.headers['x-api-key']?.toString(),
      cost: () => 2,
      refuse: (_request, reply, decision) => reply.code(420).send({ by: decision.policy }),
    });
    app.get('/', async () => 'hello');
    expect((await ask(app)).headers).not.toHaveProperty('ratelimit');
    expect((await ask(app, { 'x-api-key': 'a' })).statusCode).toBe(200);
    const refused = await ask(app, { 'x-api-key': 'a' });
    expect([refused.statusCode, refused.json()]).toEqual([420, { by: 'client' }]);
    expect((await ask(app, { 'x-api-key': 'b' })).statusCode).toBe(200);
    await app.close();
  });

  test('two limiters on one route each add their headers', async () => {
    const app = Fastify();
    const global = tokenBucket({ name: 'global', capacity: 100, refill: { tokens: 100, every: '1s' } });
    app.register(rateLimit, { limiter: createLimiter({ policy }, { clock }) });
    const onRequest = rateLimitHook({ limiter: createLimiter({ policy: global }, { clock }), key: () => 'all' });
    app.get('/', { onRequest }, async () => 'hello');
    expect((await ask(app)).headers).toMatchObject({
      'ratelimit-policy': '"client";q=2;w=60, "global";q=100;w=1',
      ratelimit: '"client";r=1;t=30, "global";r=99;t=1',
    });
    await app.close();
  });

  test('waits for a shared store, and an error it is told to throw reaches Fastify', async () => {
    const verdict = { outcome: 'allowed', remaining: 1, refillAfterUs: 0, resetAfterUs: 0 } as const;
    let answer: LimitStore['take'] = async () => ({ verdicts: [verdict], atUs: 0 });
    const store: LimitStore = {
      scope: 'shared',
      take: () => answer('', [], 1),
      strategies: new Set(['token-bucket']),
      peek: async () => (await answer('', [], 1)).verdicts,
      refund: async () => {},
      block: async () => {},
      reset: async () => {},
    };
    const app = Fastify();
    app.register(rateLimit, { limiter: createLimiter({ policy, onStoreError: 'throw' }, { store }) });
    app.get('/', async () => 'hello');
    expect((await ask(app)).statusCode).toBe(200);
    answer = () => Promise.reject(new Error('away'));
    expect((await ask(app)).statusCode).toBe(500);
    await app.close();
  });

  test('a key function that throws fails the request, not the process', async () => {
    const app = Fastify();
    app.register(rateLimit, {
      limiter: createLimiter({ policy }, { clock }),
      key: () => {
        throw new Error('no key');
      },
    });
    app.get('/', async () => 'hello');
    expect((await ask(app)).statusCode).toBe(500);
    await app.close();
  });
});
