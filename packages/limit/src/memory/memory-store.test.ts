import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ConfigurationError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import type { LimitOverflowMessage } from '../messages.ts';
import { createFakeClock, limitStoreSuite } from '../testing/index.ts';
import { memoryLimitStore } from './memory-store.ts';

limitStoreSuite({ name: 'memory', create: async ({ clock }) => ({ store: memoryLimitStore({ clock }) }), steps: 2000 });

describe('the memory limit store', () => {
  test('G7: tells when its bound is reached', async () => {
    const policy = tokenBucket({ name: 'p', capacity: 2, refill: { tokens: 1, every: '1s' } });
    const store = memoryLimitStore({ maxKeys: 2, clock: createFakeClock(), random: () => 0.5 });
    const seen: unknown[] = [];
    const listen = (message: unknown) => seen.push(message);
    subscribe('spillway:limit:overflow', listen);
    for (const key of ['a', 'b', 'c']) store.takeNow(key, [policy], 1);
    unsubscribe('spillway:limit:overflow', listen);
    expect(seen).toEqual([{ policy: 'p', keys: 2 } satisfies LimitOverflowMessage]);
    expect(store.stats()).toMatchObject({ keys: 2, overflowed: 1 });
  });

  test.each([0, -1, 1.5, Number.NaN])('refuses a bound of %d keys', (maxKeys) => {
    expect(() => memoryLimitStore({ maxKeys })).toThrow(ConfigurationError);
  });
});
