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

  test('G2: the refund of a repeated take is worth what that of the first is', async () => {
    const policy = tokenBucket({ name: 'p', capacity: 10, refill: { tokens: 10, every: '1m' } });
    const clock = createFakeClock();
    const store = memoryLimitStore({ clock });
    store.takeNow('ada', [policy], 10, 'a');
    clock.advance('1m');
    store.takeNow('ada', [policy], 10);
    const repeat = store.takeNow('ada', [policy], 10, 'a');
    await store.refund('ada', [policy], { cost: 10, takenAtUs: repeat.atUs, id: 'a' });
    expect(store.takeNow('ada', [policy], 1).verdicts).toMatchObject([{ outcome: 'denied' }]);
  });

  test.each([0, -1, 1.5, Number.NaN])('refuses a bound of %d keys', (maxKeys) => {
    expect(() => memoryLimitStore({ maxKeys })).toThrow(ConfigurationError);
  });
});
