import { channel } from 'node:diagnostics_channel';
import { createLimiter, tokenBucket } from '@spillway/limit';
import { describe, expect, test } from 'vitest';
import { watchDeniedKeys } from './watch-denied-keys.ts';

const policy = tokenBucket({ name: 'free', capacity: 1, refill: { tokens: 1, every: '1h' } });

describe('watchDeniedKeys', () => {
  test('names the keys that limiters refuse, most often refused first', () => {
    const denied = watchDeniedKeys();
    const limiter = createLimiter({ policy });
    for (const [key, takes] of [
      ['ada', 4],
      ['grace', 1],
      ['two\nlines', 3],
    ] as const) {
      for (let take = 0; take < takes; take += 1) limiter.takeNow(key);
    }
    expect(denied.top()).toEqual([
      { key: 'ada', policy: 'free', denials: 3, atLeast: 3 },
      { key: 'two\nlines', policy: 'free', denials: 2, atLeast: 2 },
    ]);
    expect(denied.total).toBe(5);
    denied.close();
    limiter.takeNow('ada');
    expect(denied.total).toBe(5);
    expect(channel('spillway:limit:decision').hasSubscribers).toBe(false);
    denied.clear();
    expect(denied.top()).toEqual([]);
  });

  test('stays as small among very many keys, and still finds who is refused most', () => {
    const denied = watchDeniedKeys({ size: 100 });
    const decision = { outcome: 'denied', reason: 'exhausted', policy: 'free' };
    for (let at = 0; at < 50_000; at += 1) {
      const key = at % 20 === 0 ? 'the offender' : `somebody ${at}`;
      channel('spillway:limit:decision').publish({ key, cost: 1, decision });
    }
    denied.close();
    const [first, ...others] = denied.top(1000);
    expect(first).toMatchObject({ key: 'the offender' });
    expect(first?.denials).toBeGreaterThanOrEqual(2500);
    expect(first?.denials).toBeLessThanOrEqual(2500 + 50_000 / 100);
    expect(others).toHaveLength(99);
  });

  test('keeps of a long key its beginning and a digest, by which it is told apart', () => {
    const denied = watchDeniedKeys();
    const decision = { outcome: 'denied', reason: 'blocked', policy: 'free' };
    for (const end of ['a', 'b', 'b']) {
      channel('spillway:limit:decision').publish({ key: 'x'.repeat(1_000_000) + end, cost: 1, decision });
    }
    denied.close();
    const top = denied.top();
    expect(top.map(({ denials }) => denials)).toEqual([2, 1]);
    for (const { key } of top) expect(key).toMatch(/^x{100}\.\.\. sha256:[\w-]{43}$/);
  });

  test('does not count what was not refused for being too much, nor stumble over other messages', () => {
    const denied = watchDeniedKeys();
    const decision = { outcome: 'denied', reason: 'store-unavailable', policy: 'free' };
    channel('spillway:limit:decision').publish({ key: 'ada', cost: 1, decision });
    channel('spillway:limit:decision').publish({});
    expect(denied.total).toBe(0);
    denied.close();
  });

  test.each([0, -1, 1.5, Number.NaN, 100_001])('refuses a size of %s', (size) => {
    expect(() => watchDeniedKeys({ size })).toThrow(`must be an integer from 1 to 100,000, got ${size}`);
  });
});
