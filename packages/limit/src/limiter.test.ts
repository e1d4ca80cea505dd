import { createHook } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ConfigurationError, OverloadedError, StoreUnavailableError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { tokenBucket } from './core/parse-token-bucket.ts';
import { createLimiter } from './limiter.ts';
import type { LimiterOptions } from './limiter-options.ts';
import type { LimitDecisionMessage, LimitStoreErrorMessage } from './messages.ts';
import type { LimitStore } from './store.ts';
import { concurrency } from './strategies/concurrency/policy.ts';
import { slidingLog } from './strategies/sliding-log/policy.ts';

const policy = tokenBucket({ name: 'free', capacity: 10, refill: { tokens: 10, every: '1m' } });
const hourly = tokenBucket({ name: 'hourly', capacity: 3, refill: { tokens: 3, every: '1h' } });

function fakeClock() {
  let nowUs = 0;
  return { nowUs: () => nowUs, advance: (ms: number) => (nowUs += ms * 1000) };
}

function brokenStore(error: unknown): LimitStore {
  const fail = () => Promise.reject(error);
  return {
    scope: 'shared',
    strategies: new Set(['token-bucket']),
    take: fail,
    peek: fail,
    refund: fail,
    block: fail,
    reset: fail,
  };
}

const outage = new StoreUnavailableError('limit.token-bucket');

describe('a limiter in one process', () => {
  test('needs nothing but a policy', async () => {
    const limiter = createLimiter({ policy });
    expect(await limiter.take('ada')).toEqual({
      outcome: 'allowed',
      policy: 'free',
      limit: 10,
      remaining: 9,
      refillAfterMs: 6000,
      resetAfterMs: 6000,
      decidedBy: 'store',
      degraded: false,
      chargedAtUs: expect.any(Number),
    });
    expect(limiter.takeNow('ada', { cost: 9 })).toMatchObject({ outcome: 'allowed', remaining: 0 });
    expect(await limiter.take('ada')).toMatchObject({
      outcome: 'denied',
      reason: 'exhausted',
      violatedPolicies: ['free'],
    });
    expect(await limiter.take('grace')).toMatchObject({ outcome: 'allowed', remaining: 9 });
  });

  test.each(['exact', 'lease', 'share'] as const)(
    'answers a take with one promise, decided by then: mode %s',
    (mode) => {
      const limiter = createLimiter({ policy, mode }, { presence: { instances: 1 } });
      const promises: unknown[] = [];
      const hook = createHook({
        init(_, type, __, promise) {
          if (type === 'PROMISE') promises.push(promise);
        },
      }).enable();
      const taking = limiter.take('ada', { cost: 10 });
      hook.disable();
      expect(promises).toEqual([taking]);
      expect(limiter.takeNow('ada')).toMatchObject({ outcome: 'denied' });
    },
  );

  test('peek charges nothing, reset forgets', async () => {
    const clock = fakeClock();
    const limiter = createLimiter({ policy }, { clock });
    await limiter.take('ada', { cost: 4 });
    expect(await limiter.peek('ada', { cost: 7 })).toMatchObject({
      outcome: 'denied',
      remaining: 6,
      retryAfterMs: 6000,
    });
    expect(await limiter.peek('ada')).toMatchObject({ outcome: 'allowed', remaining: 6 });
    await limiter.reset('ada');
    expect(await limiter.peek('ada')).toMatchObject({ remaining: 10, resetAfterMs: 0 });
  });

  test('several policies charge all or none, and the decision is of the one that binds', async () => {
    const clock = fakeClock();
    const limiter = createLimiter({ policies: [policy, hourly] }, { clock });
    expect(limiter.takeNow('ada', { cost: 3 })).toMatchObject({
      outcome: 'allowed',
      policy: 'hourly',
      remaining: 0,
      quotas: [
        { policy: 'free', remaining: 7 },
        { policy: 'hourly', remaining: 0 },
      ],
    });
    for (let knock = 0; knock < 20; knock += 1) {
      expect(limiter.takeNow('ada')).toMatchObject({
        outcome: 'denied',
        policy: 'hourly',
        violatedPolicies: ['hourly'],
        quotas: [{ policy: 'free', remaining: 7 }, { policy: 'hourly' }],
      });
    }
    expect(limiter.takeNow('grace', { cost: 11 })).toMatchObject({ violatedPolicies: ['free', 'hourly'] });
  });

  test('waiting for as long as it says is enough', () => {
    const clock = fakeClock();
    const limiter = createLimiter({ policy }, { clock });
    limiter.takeNow('ada', { cost: 10 });
    const denied = limiter.takeNow('ada', { cost: 3 });
    if (denied.outcome !== 'denied' || denied.reason !== 'exhausted') throw new Error('should be exhausted');
    clock.advance(denied.retryAfterMs - 1);
    expect(limiter.takeNow('ada', { cost: 3 }).outcome).toBe('denied');
    clock.advance(1);
    expect(limiter.takeNow('ada', { cost: 3 }).outcome).toBe('allowed');
  });

  test.each([0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('refuses a cost of %d', async (cost) => {
    const limiter = createLimiter({ policy });
    await expect(limiter.take('ada', { cost })).rejects.toThrow(/cost must be an integer >= 1/);
    expect(() => limiter.takeNow('ada', { cost })).toThrow(ConfigurationError);
  });

  test('an empty key and one of a megabyte are keys like any other', async () => {
    const limiter = createLimiter({ policy });
    const long = 'x'.repeat(1_000_000);
    for (const key of ['', long, `${long}y`]) {
      expect(await limiter.take(key, { cost: 10, id: `id of ${key}` })).toMatchObject({
        outcome: 'allowed',
        remaining: 0,
      });
      expect(await limiter.take(key)).toMatchObject({ outcome: 'denied', reason: 'exhausted' });
    }
  });

  test('refuses a key that is no string, which would make one key of all that print alike', () => {
    const limiter = createLimiter({ policy });
    expect(() => limiter.takeNow(undefined as unknown as string)).toThrow(/must be a string, got undefined/);
  });
});

describe('G3: without its store, a limiter', () => {
  test('goes on with this instance’s share, and says so', async () => {
    const presence = { instances: 3 };
    const limiter = createLimiter({ policy }, { store: brokenStore(outage), presence, clock: fakeClock() });
    const decision = await limiter.take('ada');
    expect(decision).toMatchObject({ outcome: 'allowed', limit: 3, remaining: 2, decidedBy: 'share', degraded: true });
    expect(await limiter.take('ada', { cost: 2 })).toMatchObject({ outcome: 'allowed' });
    expect(await limiter.take('ada')).toMatchObject({ outcome: 'denied', decidedBy: 'share', degraded: true });
  });

  test('follows the number of live instances', async () => {
    const presence = { instances: 2 };
    const limiter = createLimiter({ policy, mode: 'share' }, { presence, clock: fakeClock() });
    expect(limiter.takeNow('ada')).toMatchObject({ limit: 5, decidedBy: 'share', degraded: false });
    presence.instances = 10;
    expect(limiter.takeNow('bob')).toMatchObject({ outcome: 'allowed', limit: 1, remaining: 0 });
    expect(limiter.takeNow('bob')).toMatchObject({ outcome: 'denied' });
  });

  test('answers as onStoreError says', async () => {
    const deps = { store: brokenStore(outage) };
    expect(await createLimiter({ policy, onStoreError: 'allow' }, deps).take('ada')).toMatchObject({
      outcome: 'allowed',
      decidedBy: 'store-error-policy',
      degraded: true,
    });
    expect(await createLimiter({ policy, onStoreError: 'deny' }, deps).take('ada')).toMatchObject({
      outcome: 'denied',
      reason: 'store-unavailable',
      violatedPolicies: [],
    });
    await expect(createLimiter({ policy, onStoreError: 'throw' }, deps).take('ada')).rejects.toBe(outage);
  });

  test('treats every failure of a store alike, however it comes', async () => {
    const store = brokenStore(new TypeError('a bug in a store'));
    const limiter = createLimiter({ policy }, { store, presence: { instances: 1 } });
    expect(await limiter.take('ada')).toMatchObject({ decidedBy: 'share', degraded: true });
    const strict = createLimiter({ policy, onStoreError: 'throw' }, { store });
    await expect(strict.take('ada')).rejects.toBeInstanceOf(StoreUnavailableError);
  });

  test('a denial by the store never reaches the fall-back', async () => {
    const verdict = { outcome: 'denied', reason: 'exhausted', retryAfterUs: 1, remaining: 0 } as const;
    const verdicts = [{ ...verdict, refillAfterUs: 1, resetAfterUs: 1 }];
    const store: LimitStore = { ...brokenStore(outage), take: async () => ({ verdicts, atUs: 0 }) };
    for (const onStoreError of ['share', 'allow', 'deny', 'throw'] as const) {
      const limiter = createLimiter({ policy, onStoreError }, { store, presence: { instances: 1 } });
      expect(await limiter.take('ada')).toMatchObject({ outcome: 'denied', decidedBy: 'store', degraded: false });
    }
  });
});

describe('a limiter’s configuration', () => {
  const issues = (options: unknown, dependencies = {}) => {
    try {
      createLimiter(options as LimiterOptions, dependencies);
    } catch (error) {
      if (error instanceof ConfigurationError) return error.issues.map(({ path }) => path);
      throw error;
    }
    return [];
  };

  test('is refused with all that is wrong', () => {
    expect(
      issues({ policy: { strategy: 'token-bucket', name: '' }, mode: 'strict', onStoreError: 'ignore', maxKeys: 0 }),
    ).toEqual(['policy.name', 'policy.capacity', 'policy.refill', 'mode', 'onStoreError', 'maxKeys']);
    expect(issues({ policies: [] })).toEqual(['policies']);
    expect(issues({ policies: [policy, policy] })).toEqual(['policies[1].name']);
    expect(issues({})).toEqual(['policy']);
  });

  test('needs to know the number of instances wherever a share can be', () => {
    expect(issues({ policy, mode: 'share' })).toEqual(['presence']);
    expect(issues({ policy }, { store: brokenStore(outage) })).toEqual(['presence']);
    expect(issues({ policy, onStoreError: 'deny' }, { store: brokenStore(outage) })).toEqual([]);
    expect(issues({ policy, mode: 'share' }, { presence: { instances: 1 }, store: brokenStore(outage) })).toEqual([
      'store',
    ]);
  });

  test('takeNow says why it can not work with a shared store', () => {
    const limiter = createLimiter({ policy }, { store: brokenStore(outage), presence: { instances: 1 } });
    expect(limiter.synchronous).toBe(false);
    expect(() => limiter.takeNow('ada')).toThrow(/use take\(\), or mode "share"/);
  });
});

describe('a limiter’s messages', () => {
  test('tell of every take and every failure of the store, to those who listen', async () => {
    const seen: unknown[] = [];
    const listen = (message: unknown) => seen.push(message);
    const channels = ['spillway:limit:decision', 'spillway:limit:store-error'];
    for (const name of channels) subscribe(name, listen);
    const limiter = createLimiter({ policy }, { store: brokenStore(outage), presence: { instances: 1 } });
    const decision = await limiter.take('ada', { cost: 2 });
    await limiter.peek('ada');
    for (const name of channels) unsubscribe(name, listen);
    await limiter.take('ada');
    expect(seen).toEqual([
      { policies: ['free'], error: outage } satisfies LimitStoreErrorMessage,
      { key: 'ada', cost: 2, decision, strategy: 'token-bucket' } satisfies LimitDecisionMessage,
      { policies: ['free'], error: outage } satisfies LimitStoreErrorMessage,
    ]);
  });
});

describe('what a take got', () => {
  const slots = concurrency({ name: 'slots', limit: 2, lease: '1m' });

  test('comes back with a refund of its decision, as far as it has not by itself', async () => {
    const clock = fakeClock();
    const limiter = createLimiter({ policy }, { clock });
    const decision = limiter.takeNow('ada', { cost: 5 });
    limiter.takeNow('ada', { cost: 5 });
    clock.advance(12_000);
    expect(await limiter.peek('ada')).toMatchObject({ remaining: 2 });
    await limiter.refund('ada', { of: decision, cost: 5 });
    expect(await limiter.peek('ada')).toMatchObject({ remaining: 5 });
  });

  test('comes back to the share, if that gave it', async () => {
    const presence = { instances: 2 };
    const limiter = createLimiter({ policy }, { store: brokenStore(outage), presence, clock: fakeClock() });
    const decision = await limiter.take('ada', { cost: 4 });
    expect(decision).toMatchObject({ decidedBy: 'share', chargedAtUs: 0 });
    await limiter.refund('ada', { of: decision, cost: 3 });
    expect(await limiter.take('ada', { cost: 4 })).toMatchObject({
      outcome: 'allowed',
      decidedBy: 'share',
      remaining: 0,
    });
  });

  test('is nothing where nothing was charged', async () => {
    const deps = { store: brokenStore(outage) };
    const limiter = createLimiter({ policy, onStoreError: 'allow' }, deps);
    await limiter.refund('ada', { of: await limiter.take('ada') });
    const local = createLimiter({ policy });
    local.takeNow('ada', { cost: 10 });
    await local.refund('ada', { of: local.takeNow('ada'), cost: 1 });
    expect(await local.peek('ada')).toMatchObject({ remaining: 0 });
    await expect(createLimiter({ policy }, { ...deps, presence: { instances: 1 } }).refund('ada')).rejects.toBe(outage);
  });

  test('is charged once under one id, in every mode', async () => {
    for (const mode of ['exact', 'share'] as const) {
      const limiter = createLimiter({ policy, mode }, { presence: { instances: 1 } });
      for (let repeat = 0; repeat < 5; repeat += 1) {
        expect(await limiter.take('ada', { cost: 4, id: 'x'.repeat(5000) })).toMatchObject({ remaining: 6 });
      }
      await limiter.refund('ada', { cost: 4, id: 'x'.repeat(5000) });
      expect(limiter.takeNow('ada', { cost: 10 })).toMatchObject({ outcome: 'allowed' });
    }
  });

  test('can be slots, which need an id', async () => {
    const limiter = createLimiter({ policy: slots });
    expect(limiter.takeNow('ada', { id: 'a', cost: 2 })).toMatchObject({ outcome: 'allowed', remaining: 0 });
    expect(limiter.takeNow('ada', { id: 'b' })).toMatchObject({ outcome: 'denied' });
    await limiter.refund('ada', { id: 'a' });
    expect(limiter.takeNow('ada', { id: 'b' })).toMatchObject({ outcome: 'allowed', remaining: 1 });
    expect(() => limiter.takeNow('ada')).toThrow(/pass it: take\(key, { id }\), got none/);
    await expect(limiter.take('ada', { id: '' })).rejects.toThrow(ConfigurationError);
    await expect(limiter.refund('ada')).rejects.toThrow(/refund\(key, { id }\)/);
  });

  test('G7: slots of more keys than are kept are refused as what they are: nobody could say', () => {
    const limiter = createLimiter({ policy: slots, maxKeys: 1 });
    limiter.takeNow('ada', { id: 'a' });
    expect(limiter.takeNow('grace', { id: 'a' })).toMatchObject({
      outcome: 'denied',
      reason: 'store-unavailable',
      violatedPolicies: [],
      degraded: true,
    });
    const strict = createLimiter({ policy: slots, maxKeys: 1, onStoreError: 'throw' });
    strict.takeNow('ada', { id: 'a' });
    expect(() => strict.takeNow('grace', { id: 'a' })).toThrow(OverloadedError);
  });
});

describe('a blocked key', () => {
  test.each(['exact', 'share'] as const)('is refused for so long, before all other reasons, mode %s', async (mode) => {
    const clock = fakeClock();
    const limiter = createLimiter({ policies: [policy, hourly], mode }, { clock, presence: { instances: 1 } });
    await limiter.block('ada', '2s');
    for (const cost of [1, 100]) {
      expect(await limiter.take('ada', { cost })).toMatchObject({
        outcome: 'denied',
        reason: 'blocked',
        retryAfterMs: 2000,
        remaining: 0,
        violatedPolicies: ['free', 'hourly'],
      });
    }
    expect(await limiter.peek('ada')).toMatchObject({ reason: 'blocked' });
    expect(limiter.takeNow('grace')).toMatchObject({ outcome: 'allowed' });
    clock.advance(2000);
    expect(limiter.takeNow('ada')).toMatchObject({ outcome: 'allowed' });
    await limiter.block('ada', '1h');
    await limiter.reset('ada');
    expect(limiter.takeNow('ada')).toMatchObject({ outcome: 'allowed' });
  });

  test('G3: stays blocked here when the store could not be told, and the caller knows', async () => {
    const limiter = createLimiter({ policy }, { store: brokenStore(outage), presence: { instances: 1 } });
    await expect(limiter.block('ada', '1h')).rejects.toBe(outage);
    expect(await limiter.take('ada')).toMatchObject({ reason: 'blocked', decidedBy: 'share' });
  });

  test.each(['0s', '0.4ms', '20000d', 'soon'])('can not be blocked for %s', async (duration) => {
    await expect(createLimiter({ policy }).block('ada', duration as '1s')).rejects.toBeInstanceOf(ConfigurationError);
  });
});

describe('the strategies that a store has', () => {
  test('are the ones that a limiter accepts: others are refused when it is made, with the list', () => {
    const store = { ...brokenStore(outage), strategies: new Set(['token-bucket', 'quota'] as const) };
    const log = slidingLog({ name: 'log', limit: 3, window: '1s' });
    expect(() => createLimiter({ policies: [policy, log] }, { store, presence: { instances: 1 } })).toThrow(
      /policies\[1\]\.strategy: must be one that this store has \("token-bucket", "quota"\), got "sliding-log" of policy "log"/,
    );
    expect(createLimiter({ policy: log, mode: 'share' }, { presence: { instances: 2 } }).takeNow('ada')).toMatchObject({
      outcome: 'allowed',
      limit: 1,
    });
  });
});
