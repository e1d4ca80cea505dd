import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, test } from 'vitest';
import type { CacheGetMessage } from './channels.ts';
import { createCache } from './create-cache.ts';
import { fixture, gate, settle } from './testing/fixture.ts';

describe('tiers', () => {
  test('a value comes from the loader, then from L1, and on another instance from L2', async () => {
    const { a, b, truth, load, loads } = fixture();
    truth.set('k', 'v');
    expect(await a.look('k', load)).toEqual({ value: 'v', from: 'loader', negative: false });
    expect(await a.look('k', load)).toEqual({ value: 'v', from: 'l1', negative: false });
    await settle();
    expect(await b.look('k', load)).toEqual({ value: 'v', from: 'l2', negative: false });
    expect(await b.get('k', load)).toBe('v');
    expect(loads()).toBe(1);
  });

  test('an L2 hit asks the store once, a miss reads, claims and fills', async () => {
    const { a, b, store, load } = fixture();
    await a.get('k', load);
    await settle();
    expect(store.log).toEqual(['read k', 'claim k', 'fill k']);
    await b.get('k', load);
    expect(store.log.slice(3)).toEqual(['read k']);
  });

  test('10,000 callers make one load, and all get its value', async () => {
    const { a, truth, load, loads } = fixture();
    truth.set('k', 'v');
    const values = await Promise.all(Array.from({ length: 10_000 }, () => a.get('k', load)));
    expect(new Set(values)).toEqual(new Set(['v']));
    expect(loads()).toBe(1);
  });

  test('a failing loader runs once for all who wait, and the next caller tries again', async () => {
    const { a } = fixture();
    let runs = 0;
    const fail = async (): Promise<string> => {
      runs += 1;
      throw new Error('no');
    };
    const results = await Promise.allSettled(Array.from({ length: 100 }, () => a.get('k', fail)));
    expect(results.every(({ status }) => status === 'rejected')).toBe(true);
    expect(runs).toBe(1);
    expect(await a.get('k', async () => 'v')).toBe('v');
  });

  test('a loader that rejects with undefined rejects everyone, and resolves no one', async () => {
    const { a } = fixture();
    const fail = (): Promise<string> => Promise.reject(undefined);
    const results = await Promise.allSettled([a.get('k', fail), a.get('k', fail), a.look('k', fail)]);
    expect(results).toEqual(Array(3).fill({ status: 'rejected', reason: undefined }));
    expect(a.stats().answers.failed).toBe(3);
  });

  test('a loader that throws before it awaits rejects like any other', async () => {
    const { a } = fixture();
    const fail = (): Promise<string> => {
      throw new Error('at once');
    };
    await expect(a.get('k', fail)).rejects.toThrow('at once');
    expect(a.stats().loads.running).toBe(0);
  });

  test('undefined is a negative entry in both tiers; null is a value', async () => {
    const { a, b, loads, load } = fixture();
    expect(await a.look('none', load)).toEqual({ value: undefined, from: 'loader', negative: true });
    expect(a.peek('none')).toMatchObject({ value: undefined, negative: true, state: 'fresh' });
    await settle();
    expect(await b.look('none', load)).toEqual({ value: undefined, from: 'l2', negative: true });
    expect(loads()).toBe(1);
    const nullable = createCache<string | null>({ name: 'n', ttl: '1m' });
    expect(await nullable.look('k', async () => null)).toEqual({ value: null, from: 'loader', negative: false });
    expect(await nullable.look('k', async () => 'other')).toEqual({ value: null, from: 'l1', negative: false });
  });

  test('a caller’s signal ends its own waiting, not the load of the others', async () => {
    const { a } = fixture();
    const open = gate<string>();
    const leaver = new AbortController();
    const leaving = a.get('k', () => open.promise, { signal: leaver.signal });
    const staying = a.get('k', async () => 'not asked');
    leaver.abort(new Error('gone'));
    await expect(leaving).rejects.toThrow('gone');
    open.resolve('v');
    expect(await staying).toBe('v');
    await expect(a.get('k2', async () => 'v', { signal: leaver.signal })).rejects.toThrow('gone');
  });

  test('a load that fails after every caller has left troubles nobody', async () => {
    const { a } = fixture();
    const open = gate<string>();
    const leaver = new AbortController();
    const leaving = a.get('k', () => open.promise, { signal: leaver.signal });
    leaver.abort(new Error('gone'));
    await expect(leaving).rejects.toThrow('gone');
    open.reject(new Error('late'));
    // An unhandled rejection would fail the run.
    await settle();
    expect(a.stats().flights).toBe(0);
  });

  test('values are the same frozen object for everyone', async () => {
    const cache = createCache<{ list: number[] }>({ name: 'x', ttl: '1m' });
    const first = await cache.get('k', async () => ({ list: [1] }));
    const second = await cache.get('k', async () => ({ list: [2] }));
    expect(second).toBe(first);
    expect(() => first?.list.push(2)).toThrow(TypeError);
  });

  test('a value that the codec refuses is served, and stays out of L2 only', async () => {
    const cache = createCache<{ f: () => number }>({ name: 'x', ttl: '1m', l2: fixture().store });
    const value = await cache.get('k', async () => ({ f: () => 5 }));
    expect(value?.f()).toBe(5);
    expect(cache.peek('k')?.value).toBe(value);
    expect(cache.stats().l2).toMatchObject({ filled: 0, errors: 1 });
  });

  test('an entry in L2 that can not be decoded is loaded and replaced', async () => {
    const { a, b, truth, load, create } = fixture();
    truth.set('k', 'v');
    const foreign = create({ codec: { encode: () => '{broken', decode: () => 'x' } });
    await foreign.get('k', load);
    await settle();
    expect(await a.look('k', load)).toMatchObject({ value: 'v', from: 'loader' });
    await settle();
    expect(await b.look('k', load)).toMatchObject({ value: 'v', from: 'l2' });
  });

  test('two caches of different names never meet in one store', async () => {
    const { create, load } = fixture();
    const [one, other] = [create({ name: 'a', l1: 'off' }), create({ name: 'a:b', l1: 'off' })];
    await one.get('b:c', async () => 'one');
    await settle();
    expect(await other.look('c', load)).toMatchObject({ value: undefined, from: 'loader' });
  });

  test('without L1 every answer comes from L2; without L2 the loader is behind L1', async () => {
    const { create, load, loads, truth } = fixture();
    truth.set('k', 'v');
    const noL1 = create({ l1: 'off' });
    await noL1.get('k', load);
    await settle();
    expect((await noL1.look('k', load)).from).toBe('l2');
    expect(noL1.peek('k')).toBeUndefined();
    const { l2: _, ...rest } = { l2: undefined };
    const noL2 = createCache<string>({ name: 'x', ttl: '1m', ...rest });
    await noL2.get('k', load);
    expect((await noL2.look('k', load)).from).toBe('l1');
    expect(loads()).toBe(2);
  });

  test('G7: 100,000 different keys leave nothing behind but what the bounds allow', async () => {
    const cache = createCache<string>({
      name: 'x',
      ttl: '1m',
      l1: { maxEntries: 500 },
      loads: { concurrent: 100, queued: 1_000 },
    });
    for (let i = 0; i < 100_000; i += 1_000) {
      await Promise.all(Array.from({ length: 1_000 }, (_, j) => cache.get(`k${i + j}`, async () => 'v')));
    }
    expect(cache.stats()).toMatchObject({ l1: { entries: 500 }, flights: 0, loads: { running: 0, queued: 0 } });
  });

  test('hits are counted and told by tier, peeks included', async () => {
    const told: CacheGetMessage[] = [];
    const listen = (message: unknown) => void told.push(message as CacheGetMessage);
    subscribe('spillway:cache:get', listen);
    const { a, b, load, truth } = fixture();
    truth.set('k', 'v');
    await a.get('k', load);
    a.peek('k');
    a.peek('unknown');
    await settle();
    await b.get('k', load);
    await b.get('none', load);
    unsubscribe('spillway:cache:get', listen);
    expect(told.map(({ from, negative }) => `${from} ${negative}`)).toEqual([
      'loader false',
      'l1 false',
      'l2 false',
      'loader true',
    ]);
    expect(b.stats().answers).toMatchObject({ l2: 1, loader: 1, negative: 1 });
  });

  test('after close every get goes to its loader, and nothing is kept', async () => {
    const { a, truth, load, loads, busB } = fixture();
    truth.set('k', 'v');
    await a.get('k', load);
    await a.close();
    expect(await a.get('k', load)).toBe('v');
    expect((await a.look('k', load)).from).toBe('loader');
    expect(loads()).toBe(3);
    busB.publish('cache:test', '{"kind":"invalidated","keys":["k"]}');
  });
});
