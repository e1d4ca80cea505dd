import { isSpillwayError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import { createLimiter } from '../limiter.ts';
import { concurrency } from '../strategies/concurrency/policy.ts';
import type { Policy } from '../strategies/policy.ts';
import { limited } from './limited.ts';
import { RateLimitedError } from './rate-limited-error.ts';

const clock = { nowUs: () => 1_763_000_000_000_000 };
const two = tokenBucket({ name: 'mails', capacity: 2, refill: { tokens: 2, every: '1m' } });
const limiterOf = (policy: Policy = two) => createLimiter({ policy }, { clock });

describe('a limited function', () => {
  test('is the function until the limit, and then rejects without calling it', async () => {
    const sent: string[] = [];
    const send = limited(
      function sendMail(to: string, text: string) {
        sent.push(to);
        return text.length;
      },
      { limiter: limiterOf(), key: (to) => to },
    );
    expect(send.name).toBe('sendMail');
    expect([await send('ada', 'x'), await send('ada', 'xy'), await send('grace', '')]).toEqual([1, 2, 0]);
    const error = await send('ada', 'xyz').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RateLimitedError);
    expect(isSpillwayError(error)).toBe(true);
    expect(error).toMatchObject({
      name: 'RateLimitedError',
      code: 'SPILLWAY_RATE_LIMITED',
      retryable: true,
      message: 'A call of sendMail() was refused by "mails" (exhausted); try again in 30000 ms',
      decision: { outcome: 'denied', reason: 'exhausted', retryAfterMs: 30_000, violatedPolicies: ['mails'] },
    });
    expect(sent).toEqual(['ada', 'ada', 'grace']);
  });

  test('is charged by key and cost, which see its arguments and its this', async () => {
    const limiter = limiterOf();
    const account = {
      name: 'ada',
      send: limited(
        async function (this: { name: string }, rows: number[]) {
          return `${this.name}: ${rows.length}`;
        },
        {
          limiter,
          async key(this: { name: string }) {
            return this.name;
          },
          cost: (rows) => rows.length,
          skip: (rows) => rows.length > 10,
        },
      ),
    };
    expect(await account.send([1, 2])).toBe('ada: 2');
    await expect(account.send([1])).rejects.toThrow('exhausted');
    await expect(account.send([1, 2, 3])).rejects.toThrow(
      'A call of a function was refused by "mails" (cost-exceeds-capacity); it costs more than the policy ever allows (2); ask for less',
    );
    expect(await account.send(Array(11).fill(0))).toBe('ada: 11');
  });

  test('without a key nobody is charged; one key may stand for all', async () => {
    const nobody = limited(() => 1, { limiter: limiterOf(), key: () => undefined });
    const all = limited(() => 1, { limiter: limiterOf(), key: 'all' });
    for (let times = 0; times < 3; times += 1) await nobody();
    await all();
    await all();
    await expect(all()).rejects.toThrow(RateLimitedError);
  });

  test('what does not count is given back', async () => {
    for (const [count, ok, left] of [
      ['all', true, 1],
      ['all', false, 1],
      ['failed', true, 2],
      ['failed', false, 1],
      ['successful', true, 1],
      ['successful', false, 2],
    ] as const) {
      const limiter = limiterOf();
      const call = limited(() => (ok ? 'fine' : Promise.reject(new Error('broken'))), { limiter, key: 'ada', count });
      await call().then(
        (value) => expect([ok, value]).toEqual([true, 'fine']),
        (error) => expect([ok, error.message]).toEqual([false, 'broken']),
      );
      await expect.poll(async () => (await limiter.peek('ada')).remaining).toBe(left);
    }
  });

  test('holds its slot until it has ended', async () => {
    const limiter = limiterOf(concurrency({ name: 'slots', limit: 1, lease: '1h' }));
    const work = Promise.withResolvers<string>();
    const call = limited(() => work.promise, { limiter, key: 'ada' });
    const running = call();
    await expect.poll(async () => (await limiter.peek('ada')).remaining).toBe(0);
    await expect(call()).rejects.toThrow(RateLimitedError);
    work.resolve('done');
    expect(await running).toBe('done');
    await expect.poll(async () => (await limiter.peek('ada')).remaining).toBe(1);
  });

  test('what its options throw is rejected, and nothing is charged', async () => {
    const limiter = limiterOf();
    const broken = () => {
      throw new Error('broken');
    };
    const calls: unknown[] = [];
    for (const options of [{ key: broken }, { key: 'ada', cost: broken }, { key: 'ada', skip: broken }]) {
      await expect(limited(() => calls.push(1), { limiter, ...options })()).rejects.toThrow('broken');
    }
    expect(calls).toEqual([]);
    expect(await limiter.peek('ada')).toMatchObject({ remaining: 2 });
  });

  test('options that can not be met are refused when it is made', () => {
    expect(() => limited(() => 1, { limiter: limiterOf(), key: 'a', count: 'none' as 'all' })).toThrow(
      'count must be "all", "failed" or "successful", got "none"',
    );
    const mixed = createLimiter({ policies: [two, concurrency({ name: 'slots', limit: 1, lease: '1h' })] }, { clock });
    expect(() => limited(() => 1, { limiter: mixed, key: 'a' })).toThrow(
      '("mails", "slots") can not give back the slots alone; use two limiters',
    );
  });
});
