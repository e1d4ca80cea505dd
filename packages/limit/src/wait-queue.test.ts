import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ConfigurationError, OverloadedError } from '@spillway/kernel';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { tokenBucket } from './core/parse-token-bucket.ts';
import { LimiterClosedError } from './errors.ts';
import { createLimiter } from './limiter.ts';
import type { Limiter } from './limiter-contract.ts';
import type { LimiterOptions } from './limiter-options.ts';
import { concurrency } from './strategies/concurrency/policy.ts';

const policy = tokenBucket({ name: 'p', capacity: 2, refill: { tokens: 1, every: '10s' } });
const slots = concurrency({ name: 's', limit: 1, lease: '1h' });

let settled = 0;

/** Timers and clocks are faked together: waiting costs nothing. */
function open(options: Partial<LimiterOptions> = {}): Limiter {
  const clock = { nowUs: () => Math.round(performance.now() * 1000) };
  return createLimiter({ policy, ...options } as LimiterOptions, { clock });
}

beforeEach(() => {
  vi.useFakeTimers();
  settled = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

interface Watched<T> {
  value?: T;
  error?: unknown;
  /** As which of all it was answered. */
  order?: number;
}

/** Settled or not, without waiting for it. */
function watch<T>(promise: Promise<T>): Watched<T> {
  const seen: Watched<T> = {};
  promise.then(
    (value) => {
      settled += 1;
      seen.value = value;
      seen.order = settled;
    },
    (error: unknown) => {
      seen.error = error;
    },
  );
  return seen;
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('a call that waits for its limit', () => {
  test('goes through at once while there is room, then as soon as there is, in the order in which they came', async () => {
    const limiter = open();
    const calls = [1, 1, 1, 2, 1].map((cost) => watch(limiter.wait('ada', { cost })));
    await pass(0);
    expect(calls.map(({ value }) => value?.outcome)).toEqual(['allowed', 'allowed', undefined, undefined, undefined]);
    await pass(9_999);
    expect(calls[2]?.value).toBeUndefined();
    await pass(2);
    expect(calls[2]?.value).toMatchObject({ outcome: 'allowed', remaining: 0 });
    // The fourth needs two: the fifth does not overtake it.
    await pass(10_000);
    expect(calls.slice(3).map(({ value }) => value)).toEqual([undefined, undefined]);
    await pass(20_000);
    expect(calls.map(({ value }) => value?.outcome)).toEqual(Array(5).fill('allowed'));
    expect(calls.map(({ order }) => order)).toEqual([1, 2, 3, 4, 5]);
  });

  test('waits for its own key alone', async () => {
    const limiter = open();
    await limiter.take('ada', { cost: 2 });
    const ada = watch(limiter.wait('ada'));
    const grace = watch(limiter.wait('grace'));
    await pass(0);
    expect([ada.value, grace.value?.outcome]).toEqual([undefined, 'allowed']);
    await limiter.close();
  });

  test('asks as often as it is told to come back, and not more', async () => {
    const limiter = open();
    await limiter.take('ada', { cost: 2 });
    let asked = 0;
    const listen = () => (asked += 1);
    subscribe('spillway:limit:decision', listen);
    const calls = [2, 1, 1].map((cost) => watch(limiter.wait('ada', { cost })));
    await pass(20_001);
    unsubscribe('spillway:limit:decision', listen);
    expect(calls.map(({ value }) => value?.outcome)).toEqual(['allowed', undefined, undefined]);
    // The first is refused, then let through; the second is refused.
    expect(asked).toBe(3);
    await limiter.close();
  });

  test('is told at once when it can never fit', async () => {
    const limiter = open();
    await limiter.take('ada', { cost: 2 });
    expect(await limiter.wait('grace', { cost: 3 })).toMatchObject({ reason: 'cost-exceeds-capacity' });
  });

  test('is refused at once when it can not be let through in time, and at the end of its time behind others', async () => {
    const limiter = open();
    await limiter.take('ada', { cost: 2 });
    expect(await limiter.wait('ada', { maxWaitMs: 9_000 })).toMatchObject({ outcome: 'denied', retryAfterMs: 10_000 });
    const first = watch(limiter.wait('ada'));
    const second = watch(limiter.wait('ada', { maxWaitMs: 4_000 }));
    await pass(3_999);
    expect(second.value).toBeUndefined();
    await pass(1);
    expect(second.value).toMatchObject({ outcome: 'denied', reason: 'exhausted' });
    await pass(6_001);
    expect(first.value?.outcome).toBe('allowed');
    expect(await limiter.wait('ada', { maxWaitMs: 0 })).toMatchObject({ outcome: 'denied' });
  });

  test('can be aborted, and the next in line takes its place', async () => {
    const limiter = open();
    await limiter.take('ada', { cost: 2 });
    const abort = new AbortController();
    const first = watch(limiter.wait('ada', { cost: 2, signal: abort.signal }));
    const second = watch(limiter.wait('ada'));
    await pass(10_001);
    expect(second.value).toBeUndefined();
    abort.abort(new Error('changed my mind'));
    await pass(0);
    expect(first.error).toEqual(new Error('changed my mind'));
    expect(second.value?.outcome).toBe('allowed');
    await expect(limiter.wait('ada', { signal: abort.signal })).rejects.toThrow('changed my mind');
  });

  test('gives back what came after it was aborted', async () => {
    const limiter = open();
    const abort = new AbortController();
    const call = watch(limiter.wait('ada', { cost: 2, signal: abort.signal }));
    abort.abort();
    await pass(0);
    expect(call.error).toBeDefined();
    expect(await limiter.peek('ada')).toMatchObject({ remaining: 2 });
  });

  test('G7: is refused when too many wait already', async () => {
    const limiter = open({ maxWaiting: 2 });
    await limiter.take('ada', { cost: 2 });
    watch(limiter.wait('ada'));
    const second = watch(limiter.wait('ada'));
    await expect(limiter.wait('grace')).rejects.toBeInstanceOf(OverloadedError);
    await pass(20_002);
    expect(second.value?.outcome).toBe('allowed');
    expect(await limiter.wait('grace')).toMatchObject({ outcome: 'allowed' });
    await limiter.close();
  });

  test('ends when the limiter is closed', async () => {
    const limiter = open();
    await limiter.take('ada', { cost: 2 });
    const ended = [watch(limiter.wait('ada')), watch(limiter.wait('ada', { maxWaitMs: 60_000 }))];
    await pass(100);
    await limiter.close();
    await pass(0);
    for (const { error } of ended) expect(error).toBeInstanceOf(LimiterClosedError);
    expect(vi.getTimerCount()).toBe(0);
    await expect(limiter.wait('ada')).rejects.toBeInstanceOf(LimiterClosedError);
  });

  test('waits for longer than a timer can, without asking meanwhile', async () => {
    const yearly = tokenBucket({ name: 'y', capacity: 1, refill: { tokens: 1, every: '60d' } });
    const limiter = open({ policy: yearly } as Partial<LimiterOptions>);
    await limiter.take('ada');
    const call = watch(limiter.wait('ada', { maxWaitMs: 61 * 86_400_000 }));
    await pass(60 * 86_400_000 - 1);
    expect(call.value).toBeUndefined();
    await pass(2);
    expect(call.value?.outcome).toBe('allowed');
  });

  test('gets a slot as soon as it is released here', async () => {
    const limiter = open({ policy: slots } as Partial<LimiterOptions>);
    await limiter.take('ada', { id: 'a' });
    const call = watch(limiter.wait('ada', { id: 'b' }));
    await pass(10);
    expect(call.value).toBeUndefined();
    await limiter.refund('ada', { id: 'a' });
    await pass(0);
    expect(call.value?.outcome).toBe('allowed');
  });

  test.each([-1, 0.5, Number.NaN])('refuses to wait for %d ms', async (maxWaitMs) => {
    await expect(open().wait('ada', { maxWaitMs })).rejects.toBeInstanceOf(ConfigurationError);
  });
});
