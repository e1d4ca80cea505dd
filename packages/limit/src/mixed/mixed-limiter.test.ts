import { ConfigurationError, StoreUnavailableError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import { rateLimit } from '../http/fetch.ts';
import { createLimiter } from '../limiter.ts';
import { memoryLimitStore } from '../memory/memory-store.ts';
import { fixedWindow } from '../strategies/fixed-window/policy.ts';
import { createFakeClock } from '../testing/fake-clock.ts';
import { sharedStore } from '../testing/shared-store.ts';
import { createMixedLimiter, type MixedLimiterOptions } from './mixed-limiter.ts';
import { joinSubjects } from './mixed-store.ts';

const client = tokenBucket({ name: 'client', capacity: 5, refill: { tokens: 5, every: '1h' } });
const burst = fixedWindow({ name: 'burst', limit: 4, window: '1m', align: 'first-hit' });
const overall = tokenBucket({ name: 'overall', capacity: 8, refill: { tokens: 8, every: '1h' } });
const subjects = { client: [client, burst], everybody: overall };
const notSent = new StoreUnavailableError('limit', undefined, 'is down', { mayHaveRun: false });

const by = (name: string) => ({ client: name, everybody: 'all' });

describe('a mixed limiter', () => {
  test('G2: charges the client and everybody, or neither', async () => {
    const clock = createFakeClock();
    const limiter = createMixedLimiter({ subjects }, { clock });
    expect(limiter.policies.map(({ name }) => name)).toEqual(['client', 'burst', 'overall']);
    expect(await limiter.take(by('ada'), { cost: 4 })).toMatchObject({
      outcome: 'allowed',
      policy: 'burst',
      remaining: 0,
    });
    const refused = await limiter.take(by('ada'));
    expect(refused).toMatchObject({ outcome: 'denied', violatedPolicies: ['burst'] });
    expect(await limiter.take(by('grace'), { cost: 4 })).toMatchObject({ outcome: 'allowed' });
    expect(await limiter.take(by('alan'))).toMatchObject({ outcome: 'denied', violatedPolicies: ['overall'] });
    const { quotas } = await limiter.peek(by('alan'));
    expect(quotas?.map(({ remaining }) => remaining)).toEqual([5, 4, 0]);
  });

  test('answers at once in process, gives back, and waits', async () => {
    const clock = createFakeClock();
    const limiter = createMixedLimiter({ subjects }, { clock });
    expect(limiter.synchronous).toBe(true);
    const decision = limiter.takeNow(by('ada'), { cost: 4 });
    await limiter.refund(by('ada'), { cost: 4, of: decision });
    expect((await limiter.peek(by('ada'))).quotas?.map(({ remaining }) => remaining)).toEqual([5, 4, 8]);
    expect((await limiter.wait(by('ada'))).outcome).toBe('allowed');
    await limiter.close();
  });

  test('counts where a limiter of one subject counts, which blocks and resets it', async () => {
    const store = memoryLimitStore();
    const limiter = createMixedLimiter({ subjects }, { store });
    const clients = createLimiter({ policies: [client, burst] }, { store });
    await limiter.take(by('ada'), { cost: 4 });
    expect((await clients.peek('ada')).quotas?.map(({ remaining }) => remaining)).toEqual([1, 0]);
    await clients.reset('ada');
    expect((await limiter.take(by('ada'))).outcome).toBe('allowed');
    await clients.block('ada', '1h');
    expect(await limiter.take(by('ada'))).toMatchObject({ reason: 'blocked', violatedPolicies: ['client', 'burst'] });
  });

  test('G8: subjects do not meet, whatever characters they hold, however long they are', async () => {
    const one = tokenBucket({ name: 'one', capacity: 1, refill: { tokens: 1, every: '1h' } });
    const limiter = createMixedLimiter({ subjects: { a: one, b: { ...one, name: 'two' } } });
    const take = async (a: string, b: string) => (await limiter.take({ a, b })).outcome;
    const long = 'x'.repeat(1_000_000);
    expect(await take('1:x', 'y')).toBe('allowed');
    expect(await take('1', 'x3:y')).toBe('allowed');
    expect(await take('', '')).toBe('allowed');
    expect(await take(long, `${long}1`)).toBe('allowed');
    expect(await take(`${long}2`, long)).toBe('allowed');
    expect(await take(`${long}3`, long)).toBe('denied');
    expect(joinSubjects(['1', '2:'])).not.toBe(joinSubjects(['1:', '2']));
  });

  test('G3: without the store the share is each subject’s own, and what it gave is charged afterwards', async () => {
    const { store, clock, goAway, memory } = sharedStore();
    const limiter = createMixedLimiter({ subjects }, { store, clock, presence: { instances: 2 } });
    await limiter.take(by('nobody'));
    goAway(notSent);
    const outcomes = [];
    for (const name of ['ada', 'ada', 'ada', 'grace', 'grace', 'alan']) {
      const { outcome, decidedBy, degraded } = await limiter.take(by(name));
      outcomes.push(outcome);
      expect([decidedBy, degraded]).toEqual(['share', true]);
    }
    // Half of 5 and of 4 for each client, half of 8 for all of them.
    expect(outcomes).toEqual(['allowed', 'allowed', 'denied', 'allowed', 'allowed', 'denied']);
    goAway();
    await limiter.take(by('ada'));
    expect((await memory.peek('ada', [client], 1))[0]).toMatchObject({ remaining: 2 });
    expect((await memory.peek('all', [overall], 1))[0]).toMatchObject({ remaining: 8 - 1 - 3 });
  });

  test('stands in middleware, which knows one key, and gives back to each subject', async () => {
    const limiter = createMixedLimiter({ subjects });
    const limited = limiter.by((name) => by(name));
    const answer = (ok: boolean) => new Response(null, { status: ok ? 200 : 401 });
    const handler = rateLimit((request: Request) => answer(request.url.endsWith('ok')), {
      limiter: limited,
      key: (request) => new URL(request.url).hostname,
      count: 'failed',
    });
    for (const [url, status] of [
      ['http://ada/ok', 200],
      ['http://ada/no', 401],
    ] as const) {
      const response = await handler(new Request(url));
      expect(response.status).toBe(status);
      expect(response.headers.get('RateLimit-Policy')).toBe(
        '"client";q=5;w=3600, "burst";q=4;w=60, "overall";q=8;w=3600',
      );
    }
    expect((await limiter.peek(by('ada'))).quotas?.map(({ remaining }) => remaining)).toEqual([4, 3, 7]);
  });

  test('mode "share" divides each subject’s limits by the instances', () => {
    const limiter = createMixedLimiter({ subjects, mode: 'share' }, { presence: { instances: 2 } });
    const outcomes = ['ada', 'grace', 'alan', 'mary', 'kurt'].map((name) => limiter.takeNow(by(name)).outcome);
    expect(outcomes).toEqual(['allowed', 'allowed', 'allowed', 'allowed', 'denied']);
  });

  test('is refused with all that is wrong, and what to do instead', () => {
    const { mixed: _, ...apart } = sharedStore().store;
    const presence = { instances: 1 };
    const make = (options: object, store?: object) => () =>
      createMixedLimiter(
        { subjects, ...options } as MixedLimiterOptions<string>,
        { presence, ...(store && { store }) } as never,
      );
    expect(make({}, apart)).toThrow(
      /store: must charge several subjects in one step.*take from "client" first, then from "everybody", and refund/,
    );
    expect(make({ mode: 'lease' })).toThrow(/got "lease"/);
    expect(make({ subjects: { client } })).toThrow(
      /at least two, got "client" alone; for one subject use createLimiter/,
    );
    expect(make({ subjects: { client, everybody: [] } })).toThrow(/subjects.everybody: must hold at least one policy/);
    expect(make({ subjects: { client, everybody: client } })).toThrow(/must be unique, got "client" twice/);
    expect(make({ mode: 'share' })).not.toThrow();
  });

  test('a take names each subject by a text', async () => {
    const limiter = createMixedLimiter({ subjects });
    await expect(limiter.take({ client: 'ada' } as never)).rejects.toThrow(/"everybody" is missing/);
    await expect(limiter.take({ ...by('ada'), more: 'x' } as never)).rejects.toThrow(/"more" is none of them/);
    expect(() => limiter.takeNow({ client: 7, everybody: 'all' } as never)).toThrow(ConfigurationError);
  });
});
