import { StoreUnavailableError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { createCache } from './create-cache.ts';
import { fixture, gate, settle } from './testing/fixture.ts';

/** `k` in both tiers, 50 s of its minute over. */
async function aged(more: Parameters<typeof fixture>[0] = {}) {
  const world = fixture(more);
  world.truth.set('k', 'v');
  await world.a.get('k', world.load);
  await settle();
  world.clock.advanceMs(50_000);
  return world;
}

describe('touch', () => {
  test('prolongs what is fresh, for every instance, without loading', async () => {
    const { a, b, clock, load, loads } = await aged();
    expect(await a.touch('k')).toBe('prolonged');
    clock.advanceMs(59_000);
    expect((await b.look('k', load)).from).toBe('l2');
    expect((await a.look('k', load)).from).toBe('l2');
    expect(await b.touch('k', { ttl: '10m' })).toBe('prolonged');
    clock.advanceMs(599_000);
    expect((await a.look('k', load)).value).toBe('v');
    expect(loads()).toBe(1);
    clock.advanceMs(1_000);
    expect((await b.look('k', load)).from).toBe('loader');
  });

  test('never shortens', async () => {
    const { a, clock, load, loads } = await aged();
    expect(await a.touch('k', { ttl: '1s' })).toBe('prolonged');
    clock.advanceMs(9_000);
    await a.get('k', load);
    expect(loads()).toBe(1);
  });

  test('prolongs nothing that is not there, is past its time, or is known not to exist', async () => {
    const { a, clock, load, store } = await aged();
    await a.get('none', load);
    await settle();
    clock.advanceMs(10_000);
    const size = store.size;
    for (const key of ['never', 'none', 'k']) expect([key, await a.touch(key)]).toEqual([key, 'absent']);
    expect(store.size).toBe(size);
    expect((await a.look('k', load)).from).toBe('loader');
  });

  test('G5: a touch that comes late brings no invalidated value back, and prolongs no other', async () => {
    const { a, b, store, clock, truth, load, loads } = await aged();
    const stuck = gate();
    store.before = (operation) => (operation === 'touch' ? stuck.promise : undefined);
    const touching = a.touch('k', { ttl: '1h' });
    await settle();
    truth.set('k', 'new');
    await b.invalidate({ key: 'k' });
    await b.get('k', load);
    await settle();
    stuck.resolve();
    expect(await touching).toBe('absent');
    clock.advanceMs(60_000);
    expect((await a.look('k', load)).from).toBe('loader');
    expect(loads()).toBe(3);
  });

  test('G5: nor does it make up for an invalidation that was not followed by a read', async () => {
    const { a, b, load, truth } = await aged();
    for (const how of ['invalidate', 'expire'] as const) {
      truth.set('k', how);
      await b[how]({ key: 'k' });
      expect(await a.touch('k')).toBe('absent');
      expect(await a.get('k', load)).toBe(how);
      await settle();
    }
  });

  test('a load under way replaces what was touched meanwhile', async () => {
    const { b, create, clock, load } = await aged({ earlyRefresh: 1, jitter: 0 });
    const cache = create({ l1: 'off', random: () => 0.999_999 });
    const open = gate<string>();
    // Its loads take a minute: it refreshes the value early.
    await cache.get('other', async () => {
      clock.advanceMs(6_000);
      return 'v';
    });
    expect(await cache.get('k', () => open.promise)).toBe('v');
    expect(await b.touch('k', { ttl: '1h' })).toBe('prolonged');
    open.resolve('new');
    await settle();
    expect(await b.get('k', load)).toBe('new');
  });

  test('a store that does not answer, or may not be read, is told', async () => {
    const { a, store } = await aged();
    store.before = () => {
      throw new StoreUnavailableError('GET');
    };
    expect(await a.touch('k')).toBe('unreachable');
    store.before = () => undefined;
    store.turn('down');
    expect(await a.touch('k')).toBe('unreachable');
    await expect(a.touch(7 as never)).rejects.toThrow('A cache key is a string, got number');
    await expect(a.touch('k', { ttl: 'soon' as never })).rejects.toThrow('"soon" is not a duration');
  });

  test('G5: without L2 it prolongs L1, but nothing beyond the ceiling, and nothing that is in doubt', async () => {
    const { busA, clock, truth, load } = fixture();
    truth.set('k', 'v');
    const l1 = { maxEntries: 10, ttl: '90s' } as const;
    const cache = createCache<string>({ name: 'alone', ttl: '1m', l1, bus: busA, clock, jitter: 0, random: () => 0 });
    await cache.get('k', load);
    clock.advanceMs(50_000);
    expect(await cache.touch('k')).toBe('prolonged');
    clock.advanceMs(39_999);
    expect(cache.peek('k')?.state).toBe('fresh');
    clock.advanceMs(1);
    expect(cache.peek('k')?.state).toBe('stale');
    expect(await cache.touch('k')).toBe('absent');
    await cache.get('k', load);
    busA.cut();
    busA.restore();
    expect(await cache.touch('k')).toBe('absent');
    await cache.get('k', load);
    await cache.expire({ key: 'k' });
    expect(await cache.touch('k')).toBe('absent');
    expect(cache.peek('k')?.state).toBe('stale');
  });
});

describe('values on demand', () => {
  const load = async () => ({ list: [new Date(1)] });

  test('each caller who asks for a clone gets one of its own, from every tier; the others share', async () => {
    const cache = createCache<{ list: Date[] }>({ name: 'dates', ttl: '1m' });
    const cloned = { values: 'cloned' } as const;
    for (let i = 0; i < 3; i += 1) {
      const mine = await cache.get('k', load, cloned);
      mine?.list[0]?.setTime(9);
      mine?.list.push(new Date(2));
      const [other] = await cache.getMany(['k'], async () => new Map(), cloned);
      other?.list.pop();
      const look = await cache.look('k', load, cloned);
      expect(look.value).toEqual({ list: [new Date(1)] });
      look.value?.list.pop();
    }
    const shared = await cache.get('k', load);
    expect(shared).toEqual({ list: [new Date(1)] });
    expect(await cache.get('k', load, { values: 'shared' })).toBe(shared);
    expect(() => shared?.list.pop()).toThrow(TypeError);
  });

  test('what can not be cloned rejects, and is cached all the same', async () => {
    class Money {}
    const cache = createCache<Money>({ name: 'money', ttl: '1m' });
    const get = () => cache.get('k', async () => new Money(), { values: 'cloned' });
    await expect(get()).rejects.toThrow('an instance of Money, which can not be cloned');
    await expect(get()).rejects.toThrow('an instance of Money');
    expect(cache.stats().loads.loaded).toBe(1);
  });
});
