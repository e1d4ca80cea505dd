import { HOSTILE_KEYS } from '@spillway/limit/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiService, CONFIGURATIONS, startApiService } from '../support/api-client.ts';

const bucket = (name: string, capacity: number) => ({
  strategy: 'token-bucket',
  name,
  capacity,
  refill: { tokens: 1, every: '10h' },
});

describe.each(CONFIGURATIONS)('limits for other programs on %s', (configuration) => {
  let api: ApiService;
  const tenants: string[] = [];
  beforeAll(async () => {
    api = await startApiService(configuration);
    for (const name of ['one', 'other']) {
      const made = await api.call('POST', '/api/v1/keys', { body: { name, scopes: ['limits:check'] } });
      tenants.push(made.body.key);
    }
  });
  afterAll(async () => {
    await api?.[Symbol.asyncDispose]();
  });
  const send = (body: unknown, key = tenants[0] ?? null) => api.call('POST', '/api/v1/limits/check', { body, key });
  const check = async (body: unknown, key?: string) => {
    const answer = await send(body, key);
    expect(answer.status, answer.text).toBe(200);
    return answer.body;
  };
  const faults = async (body: unknown) => {
    const answer = await send(body);
    expect(answer.status, answer.text).toBe(422);
    return answer.body.errors.map(({ field, message }: { field: string; message: string }) => `${field} ${message}`);
  };

  test('a policy written out is charged until it is used up, and the answer tells all of it', async () => {
    const policy = bucket('mails', 3);
    expect(await check({ policy, key: 'ada', cost: 2 })).toEqual({
      action: 'take',
      outcome: 'allowed',
      reason: null,
      policy: 'mails',
      limit: 3,
      remaining: 1,
      refillAfterMs: 36_000_000,
      resetAfterMs: 72_000_000,
      retryAfterMs: null,
      violatedPolicies: [],
      quotas: [{ policy: 'mails', limit: 3, remaining: 1, refillAfterMs: 36_000_000, resetAfterMs: 72_000_000 }],
      decidedBy: 'store',
      degraded: false,
      receipt: expect.stringMatching(/^store\.\d+$/),
    });
    const answer = await send({ policy, key: 'ada', cost: 2 });
    expect(answer.headers.get('ratelimit-policy')).toBe('"mails";q=3;w=108000');
    expect(answer.headers.get('ratelimit')).toMatch(/^"mails";r=1;t=\d+$/);
    expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(answer.body).toMatchObject({
      outcome: 'denied',
      reason: 'exhausted',
      violatedPolicies: ['mails'],
      receipt: null,
    });
    expect(answer.body.retryAfterMs).toBeGreaterThan(35_000_000);
    const never = await send({ policy, key: 'ada', cost: 4 });
    expect(never.body).toMatchObject({ reason: 'cost-exceeds-capacity', retryAfterMs: null });
    expect(never.headers.get('retry-after')).toBeNull();
  });

  test('several policies are charged all or none, in whatever order they stand', async () => {
    const policies = [bucket('small', 2), { strategy: 'fixed-window', name: 'large', limit: 9, window: '10h' }];
    expect((await check({ policies, key: 'bob', cost: 2 })).quotas).toMatchObject([
      { policy: 'large', remaining: 7 },
      { policy: 'small', remaining: 0 },
    ]);
    const denied = await check({ policies: policies.toReversed(), key: 'bob' });
    expect(denied).toMatchObject({ outcome: 'denied', policy: 'small', violatedPolicies: ['small'] });
    expect(denied.quotas).toMatchObject([
      { policy: 'large', remaining: 7 },
      { policy: 'small', remaining: 0 },
    ]);
    const { headers } = await send({ policies, key: 'bob', action: 'peek' });
    expect(headers.get('ratelimit-policy')).toBe('"large";q=9;w=36000, "small";q=2;w=72000');
  });

  test('named policies, and a plan as a whole, count together', async () => {
    expect(await check({ policy: 'free', key: 'carl', cost: 3 })).toMatchObject({ limit: 10, remaining: 7 });
    expect(await check({ plan: 'free', key: 'carl' })).toMatchObject({ limit: 10, remaining: 6 });
    expect(await check({ policy: 'premium/premium', key: 'carl' })).toMatchObject({ limit: 50, remaining: 49 });
    const both = await check({ policies: ['free', 'premium'], key: 'carl', cost: 6 });
    expect(both.quotas).toMatchObject([
      { policy: 'free', remaining: 0 },
      { policy: 'premium', remaining: 43 },
    ]);
  });

  test('peek takes nothing, an id is charged once, a refund gives back once, reset forgets, block refuses', async () => {
    const about = { policy: bucket('jobs', 10), key: 'dora' };
    expect(await check({ ...about, action: 'peek', cost: 4 })).toMatchObject({ outcome: 'allowed', remaining: 10 });
    const taken = await check({ ...about, cost: 4, id: 'job-1' });
    expect(taken.remaining).toBe(6);
    expect((await check({ ...about, cost: 4, id: 'job-1' })).remaining).toBe(6);
    const back = { ...about, action: 'refund', cost: 4, id: 'job-1', receipt: taken.receipt };
    expect(await check(back)).toMatchObject({ action: 'refund', outcome: 'allowed', remaining: 10, receipt: null });
    await check({ ...about, cost: 5 });
    expect((await check(back)).remaining).toBe(5);
    const { receipt } = await check({ ...about, cost: 5 });
    expect((await check({ ...about, action: 'refund', cost: 2, receipt })).remaining).toBe(2);
    expect((await check({ ...about, action: 'reset' })).remaining).toBe(10);
    expect(await check({ ...about, action: 'block', for: '10m' })).toMatchObject({
      outcome: 'denied',
      reason: 'blocked',
    });
    expect(await check(about)).toMatchObject({ reason: 'blocked', retryAfterMs: expect.any(Number) });
    expect(await check({ ...about, action: 'reset' })).toMatchObject({ outcome: 'allowed', remaining: 10 });
  });

  test('G8: keys of different API keys never meet, named or written out, whatever they hold', async () => {
    const [one, other] = tenants;
    for (const policy of ['free', bucket('own', 10)]) {
      const first = { outcome: 'allowed', remaining: 1 };
      expect(await check({ policy, key: 'same', cost: 9 }, one)).toMatchObject(first);
      expect(await check({ policy, key: 'same', cost: 9 }, other)).toMatchObject(first);
    }
    const keys = HOSTILE_KEYS.filter((key) => key !== '' && key.length <= 500);
    for (const key of new Set(keys)) {
      expect(await check({ policy: 'premium', key }, one), JSON.stringify(key)).toMatchObject({ remaining: 49 });
    }
    // Nor does a key meet the list of names of another.
    const named = (...names: string[]) => names.map((name) => bucket(name, 10));
    expect((await check({ policies: named('a', 'b'), key: 'c' })).remaining).toBe(9);
    expect((await check({ policies: named('b'), key: 'c' })).remaining).toBe(9);
    expect((await check({ policy: bucket('free', 10), key: 'same' })).remaining).toBe(9);
  });

  test('G2: of two hundred at the same instant, exactly the limit is admitted', async () => {
    const body = { policy: bucket('rush', 100), key: 'everybody' };
    const answers = await Promise.all(Array.from({ length: 200 }, () => check(body)));
    expect(answers.filter(({ outcome }) => outcome === 'allowed')).toHaveLength(100);
    // The same with ids, each sent twice.
    const twice = { policy: bucket('rush-twice', 100), key: 'everybody' };
    const ids = Array.from({ length: 80 }, (_, i) => `id ${i}`);
    const repeated = await Promise.all([...ids, ...ids].map((id) => check({ ...twice, id })));
    expect(repeated.every(({ outcome }) => outcome === 'allowed')).toBe(true);
    expect((await check({ ...twice, action: 'peek' })).remaining).toBe(20);
  });

  test('what this configuration can not count by is refused with what it can', async () => {
    const slots = { policy: { strategy: 'concurrency', name: 'uploads', limit: 1, lease: '1m' }, key: 'erna' };
    const window = { policy: { strategy: 'sliding-window', name: 'calls', limit: 2, window: '1h' }, key: 'erna' };
    if (configuration === 'PostgreSQL') {
      const had = 'token-bucket, gcra, fixed-window, quota here';
      expect(await faults(slots)).toEqual([`policy.strategy must be one of ${had}, got "concurrency"`]);
      expect(await faults(window)).toEqual([`policy.strategy must be one of ${had}, got "sliding-window"`]);
      return;
    }
    expect((await check(window)).remaining).toBe(1);
    expect(await faults(slots)).toEqual(['id is missing; slots are held by it, and given back by it']);
    expect((await check({ ...slots, id: 'first' })).outcome).toBe('allowed');
    expect((await check({ ...slots, id: 'second' })).outcome).toBe('denied');
    await check({ ...slots, id: 'first', action: 'refund' });
    expect((await check({ ...slots, id: 'second' })).outcome).toBe('allowed');
  });

  test('every fault is told by field, with what is wanted', async () => {
    const key = 'fred';
    expect(await faults({ key })).toEqual(['policy is missing; it must be one of free, premium']);
    expect(await faults({ key, policy: 'free', plan: 'free' })).toEqual([
      'plan can not stand beside "policy"; send one of them',
    ]);
    expect(await faults({ key, policies: ['free', 'gold'] })).toEqual([
      'policies.1 must be one of free, premium, got "gold"',
    ]);
    expect(await faults({ key, plan: 'gold' })).toEqual(['plan must be one of free, premium, got "gold"']);
    expect(await faults({ key, policies: ['free', 'free'] })).toEqual([
      'policies.1 must have a name of its own, got "free" twice',
    ]);
    expect(await faults({ key, policies: ['free', bucket('own', 1)] })).toEqual([
      'policies must either all be names or all be written out: names are counted apart from the others',
    ]);
    expect(await faults({ key, policies: [bucket('a', 1), { ...bucket('b', 0), foo: 1 }] })).toEqual([
      expect.stringMatching(/^policies\.1\.capacity must be an integer .*got 0$/),
      expect.stringMatching(/^policies\.1\.foo is not a field of a policy/),
    ]);
    expect(await faults({ key, policy: { strategy: 'magic', name: 'x' } })).toEqual([
      expect.stringMatching(/^policy\.strategy must be one of "token-bucket".*got "magic"$/),
    ]);
    expect(await faults({ key, policy: 'free', action: 'take', receipt: 'store.1', for: '1m' })).toEqual([
      'receipt goes with "refund" only, got the action "take"; leave it out',
      'for goes with "block" only, got the action "take"; leave it out',
    ]);
    expect(await faults({ key, policy: 'free', action: 'block' })).toEqual([
      'for is missing; it must be a duration from "1ms" to "10000d", e.g. "10m"',
    ]);
    expect(await faults({ key, policy: 'free', action: 'block', for: '0s' })).toEqual([
      'for must be a duration from "1ms" to "10000d", e.g. "10m", got "0s"',
    ]);
    expect(await faults({ key, policy: 'free', action: 'refund', receipt: 'mine' })).toEqual([
      'receipt must be the "receipt" of a take, got "mine"',
    ]);
    expect(await faults({ key, policy: 'free', onStoreError: 'throw' })).toEqual([
      'onStoreError must be one of share, allow, deny, got "throw"',
    ]);
    expect(await faults({ key, policies: [] })).toEqual(['policies must have at least one policy, got 0']);
  });
});
