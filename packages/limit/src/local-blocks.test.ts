import { describe, expect, test } from 'vitest';
import { tokenBucket } from './core/parse-token-bucket.ts';
import { createLimiter } from './limiter.ts';
import { LocalBlocks } from './local-blocks.ts';
import { memoryLimitStore } from './memory/memory-store.ts';
import type { LimitStore } from './store.ts';
import { concurrency } from './strategies/concurrency/policy.ts';
import { createFakeClock } from './testing/index.ts';

const policy = tokenBucket({ name: 'p', capacity: 10, refill: { tokens: 10, every: '1m' } });
const slots = concurrency({ name: 's', limit: 1, lease: '1m' });

/** A shared store that counts how often it is asked to take, and can be switched off. */
function setUp(policies = [policy, tokenBucket({ ...policy, name: 'q', capacity: 20 })] as const) {
  const clock = createFakeClock();
  const memory = memoryLimitStore({ clock });
  let asked = 0;
  let isAway = false;
  const store: LimitStore = {
    ...memory,
    scope: 'shared',
    async take(...args) {
      asked += 1;
      if (isAway) throw new Error('away');
      return memory.take(...args);
    },
  };
  Reflect.deleteProperty(store, 'takeNow');
  const open = (maxKeys = 100) =>
    createLimiter({ policies: [...policies], maxKeys }, { store, clock, presence: { instances: 1 } });
  return { clock, limiter: open(), open, memory, asked: () => asked, setAway: (to: boolean) => (isAway = to) };
}

describe('a key that the store refused', () => {
  test('is answered here, says so, and its times run on', async () => {
    const { clock, limiter, asked } = setUp();
    await limiter.take('ada', { cost: 10 });
    expect(await limiter.take('ada')).toMatchObject({ decidedBy: 'store', retryAfterMs: 6000 });
    clock.advance('500ms');
    for (let knock = 0; knock < 100; knock += 1) {
      expect(await limiter.take('ada')).toMatchObject({
        outcome: 'denied',
        reason: 'exhausted',
        retryAfterMs: 5500,
        resetAfterMs: 59_500,
        decidedBy: 'local-block',
        degraded: false,
        quotas: [{ resetAfterMs: 59_500 }, { policy: 'q' }],
        violatedPolicies: ['p'],
      });
    }
    expect(asked()).toBe(2);
  });

  test('is asked about again at the latest after a second: another instance may have reset it', async () => {
    const { clock, limiter, open, asked } = setUp();
    await limiter.take('ada', { cost: 10 });
    await limiter.take('ada');
    await open().reset('ada');
    clock.advance('1s');
    expect(await limiter.take('ada')).toMatchObject({ outcome: 'allowed', decidedBy: 'store' });
    expect(asked()).toBe(3);
  });

  test('is let through exactly when it was told to come back', async () => {
    const { clock, limiter } = setUp();
    await limiter.take('ada', { cost: 10 });
    clock.advanceUs(5_500_000);
    await limiter.take('ada');
    clock.advanceUs(499_999);
    expect(await limiter.take('ada')).toMatchObject({ decidedBy: 'local-block', retryAfterMs: 1 });
    clock.advanceUs(1);
    expect(await limiter.take('ada')).toMatchObject({ outcome: 'allowed', decidedBy: 'store' });
  });

  test.each(['reset', 'refund', 'block'] as const)('is forgotten by %s', async (operation) => {
    const { limiter } = setUp();
    await limiter.take('ada', { cost: 10 });
    await limiter.take('ada');
    if (operation === 'reset') await limiter.reset('ada');
    else if (operation === 'refund') await limiter.refund('ada');
    else await limiter.block('ada', '1h');
    const after = await limiter.take('ada');
    expect(after).toMatchObject(
      operation === 'block' ? { reason: 'blocked', decidedBy: 'store' } : { outcome: 'allowed' },
    );
  });

  test('a refusal that was under way while the key was reset is not kept', async () => {
    const { limiter } = setUp();
    await limiter.take('ada', { cost: 10 });
    const refused = limiter.take('ada');
    await limiter.reset('ada');
    expect(await refused).toMatchObject({ outcome: 'denied' });
    expect(await limiter.take('ada')).toMatchObject({ outcome: 'allowed' });
  });

  test('still asks the store for less, for more, with an id, and to peek', async () => {
    const { limiter, asked } = setUp();
    await limiter.take('ada', { cost: 8, id: 'first' });
    expect(await limiter.take('ada', { cost: 3 })).toMatchObject({ outcome: 'denied' });
    expect(await limiter.take('ada', { cost: 3 })).toMatchObject({ decidedBy: 'local-block' });
    expect(await limiter.take('ada', { cost: 4 })).toMatchObject({ decidedBy: 'store', retryAfterMs: 12_000 });
    expect(await limiter.take('ada', { cost: 11 })).toMatchObject({ reason: 'cost-exceeds-capacity' });
    expect(await limiter.take('ada', { cost: 8, id: 'first' })).toMatchObject({ outcome: 'allowed', remaining: 2 });
    expect(await limiter.peek('ada', { cost: 3 })).toMatchObject({ outcome: 'denied', decidedBy: 'store' });
    expect(await limiter.take('ada', { cost: 2 })).toMatchObject({ outcome: 'allowed', decidedBy: 'store' });
    expect(asked()).toBe(6);
  });

  test('stays refused while the store is away: a denial never reaches the fall-back', async () => {
    const { clock, limiter, setAway } = setUp();
    await limiter.take('ada', { cost: 10 });
    await limiter.take('ada', { cost: 2 });
    setAway(true);
    clock.advance('11s');
    expect(await limiter.take('ada', { cost: 2 })).toMatchObject({
      decidedBy: 'local-block',
      degraded: true,
      retryAfterMs: 1000,
    });
    expect(await limiter.take('ada')).toMatchObject({ outcome: 'allowed', decidedBy: 'share' });
    clock.advance('1s');
    expect(await limiter.take('ada', { cost: 2 })).toMatchObject({ outcome: 'allowed', decidedBy: 'share' });
  });

  test('a blocked key answers here whatever the cost', async () => {
    const { limiter, asked } = setUp();
    await limiter.block('ada', '1h');
    await limiter.take('ada');
    expect(await limiter.take('ada', { cost: 7 })).toMatchObject({ reason: 'blocked', decidedBy: 'local-block' });
    expect(asked()).toBe(1);
  });

  test('slots are always asked for: they come back at any time', async () => {
    const clock = createFakeClock();
    const { takeNow, ...memory } = memoryLimitStore({ clock });
    const limiter = createLimiter(
      { policy: slots },
      { store: { ...memory, scope: 'shared' }, clock, presence: { instances: 1 } },
    );
    await limiter.take('ada', { id: 'a' });
    expect(await limiter.take('ada', { id: 'b' })).toMatchObject({ outcome: 'denied', decidedBy: 'store' });
    expect(takeNow('ada', [slots], 1, 'c').verdicts).toMatchObject([{ outcome: 'denied' }]);
    await memory.refund('ada', [slots], { cost: 1, id: 'a' });
    expect(await limiter.take('ada', { id: 'b' })).toMatchObject({ outcome: 'allowed' });
  });

  test('is found as fast among 100,000 others as among ten', async () => {
    const limiter = createLimiter({ policy });
    const refused = await limiter.take('ada', { cost: 10 }).then(() => limiter.take('ada'));
    const policies = [policy];
    const nsPerLook = (keys: number) => {
      const blocks = new LocalBlocks(200_000);
      for (let at = 0; at < keys; at += 1) blocks.note(`client-${at}`, policies, 1, refused, 0, 0);
      expect(blocks.find(`client-${keys - 1}`, policies, 1, 1000)).toMatchObject({ decidedBy: 'local-block' });
      const startedAt = performance.now();
      for (let look = 0; look < 20_000; look += 1) blocks.find(`client-${look % keys}`, policies, 1, 1000);
      return ((performance.now() - startedAt) * 1e6) / 20_000;
    };
    nsPerLook(10);
    // A list that is scanned would take thousands of times as long.
    expect(nsPerLook(100_000)).toBeLessThan(100 * nsPerLook(10));
  });

  test('G7: no more keys are kept than the bound, and a forgotten one asks the store', async () => {
    const { open, memory, asked } = setUp();
    const limiter = open(10);
    for (let at = 0; at < 200; at += 1) {
      await memory.block(`key-${at}`, [policy], 3600e6);
      expect(await limiter.take(`key-${at}`)).toMatchObject({ outcome: 'denied', decidedBy: 'store' });
    }
    expect(await limiter.take('key-199')).toMatchObject({ decidedBy: 'local-block' });
    expect(await limiter.take('key-0')).toMatchObject({ decidedBy: 'store' });
    expect(asked()).toBe(201);
  });
});
