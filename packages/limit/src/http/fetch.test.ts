import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import { createLimiter } from '../limiter.ts';
import { concurrency } from '../strategies/concurrency/policy.ts';
import { rateLimit as expressRateLimit } from './express.ts';
import { rateLimitHook } from './fastify.ts';
import { rateLimit } from './fetch.ts';
import { rateLimit as honoRateLimit } from './hono.ts';

const policy = tokenBucket({ name: 'client', capacity: 9, refill: { tokens: 9, every: '1m' } });
const limiter = createLimiter({ policy });
const ask = () => new Request('http://localhost/');

describe('a limited fetch handler', () => {
  test('adds nothing twice to a response that is handed out again and again', async () => {
    const none = new Response(null, { status: 204, headers: { 'x-own': '1' } });
    const handler = rateLimit(() => none, { limiter, key: () => 'ada' });
    await handler(ask());
    const { status, headers } = await handler(ask());
    expect([status, headers.get('x-own'), headers.get('ratelimit-policy')]).toEqual([204, '1', '"client";q=9;w=60']);
    expect(none.headers.has('ratelimit')).toBe(false);
  });

  test('copies a response whose fields can not be changed, with its body', async () => {
    const fetched = await fetch('data:text/plain,hello');
    expect(() => fetched.headers.set('a', 'b')).toThrow(TypeError);
    const answer = await rateLimit(() => fetched, { limiter, key: () => 'ada' })(ask());
    expect([answer.headers.has('ratelimit'), await answer.text()]).toEqual([true, 'hello']);
  });

  test('hands on whatever the runtime gives', async () => {
    const seen: unknown[] = [];
    const handler = rateLimit((_request: Request, env: string, context: number) => Response.json([env, context]), {
      limiter,
      key: (_request, env, context) => {
        seen.push(env, context);
        return env;
      },
    });
    expect(await (await handler(ask(), 'env', 7)).json()).toEqual(['env', 7]);
    expect(seen).toEqual(['env', 7]);
  });

  test('an error of the handler stays its own', async () => {
    const broken = new Error('broken');
    const handler = rateLimit(() => Promise.reject(broken), { limiter, key: () => 'ada' });
    await expect(handler(ask())).rejects.toBe(broken);
  });
});

describe('options that can not be met', () => {
  const adapters = {
    express: expressRateLimit,
    fastify: rateLimitHook,
    hono: honoRateLimit,
    fetch: (options: Parameters<typeof honoRateLimit>[0]) =>
      rateLimit(() => new Response(), { ...options, peer: () => '::1' } as never),
  };
  test.each(Object.entries(adapters))('are refused by %s when it is made', (_name, adapter) => {
    const make = adapter as (options: object) => unknown;
    expect(() => make({ limiter, count: 'none' })).toThrow('count must be "all", "failed" or "successful", got "none"');
    expect(() => make({ limiter, ipv6Prefix: 0 })).toThrow('ipv6Prefix must be an integer from 1 to 128, got 0');
    expect(() => make({ limiter, trustedProxies: ['10.0.0.0/33'] })).toThrow('trustedProxies[0]: must be an address');
    const mixed = createLimiter({ policies: [policy, concurrency({ name: 'slots', limit: 1, lease: '1m' })] });
    expect(() => make({ limiter: mixed })).toThrow('use two limiters, one after the other');
  });

  test('a Request does not tell its client', () => {
    expect(() => rateLimit(() => new Response(), { limiter })).toThrow('pass `key`, or `peer` for the address');
  });

  test('nor does Hono on a runtime that it is not told of', async () => {
    const app = new Hono().use(honoRateLimit({ limiter })).get('/', (context) => context.text('hello'));
    const errors: Error[] = [];
    app.onError((error, context) => {
      errors.push(error);
      return context.text('', 500);
    });
    expect((await app.request('/')).status).toBe(500);
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining('pass `key`, or `peer`') })]);
    const told = new Hono()
      .use(honoRateLimit({ limiter, peer: () => '192.0.2.1' }))
      .get('/', (context) => context.text('hello'));
    expect((await told.request('/')).headers.has('ratelimit')).toBe(true);
  });
});
