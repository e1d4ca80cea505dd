import { seededRandom } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { fixture, settle } from './testing/fixture.ts';

describe('freshness', () => {
  test('G5: a popular entry is proven again after the ceiling, however often it is hit meanwhile', async () => {
    const { a, clock, truth, store, load } = fixture();
    truth.set('k', 'v');
    await a.get('k', load);
    await settle();
    const reads = () => store.log.filter((line) => line === 'read k').length;
    for (let ms = 0; ms < 4_990; ms += 10) {
      clock.advanceMs(10);
      await a.get('k', load);
    }
    expect(reads()).toBe(1);
    clock.advanceMs(10);
    expect(a.peek('k')?.state).toBe('stale');
    expect((await a.look('k', load)).from).toBe('l2');
    expect(reads()).toBe(2);
  });

  test('G5: the ceiling counts from the beginning of a load, not from its end', async () => {
    const { a, clock } = fixture();
    await a.get('k', async () => {
      clock.advanceMs(3_000);
      return 'old';
    });
    clock.advanceMs(1_999);
    expect(a.peek('k')?.state).toBe('fresh');
    clock.advanceMs(1);
    expect(a.peek('k')?.state).toBe('stale');
  });

  test('an entry is fresh for its ttl in L2, and for what is left of it in L1', async () => {
    const { a, b, clock, truth, load, loads } = fixture({ l1: { maxEntries: 10, ttl: '1h' } });
    truth.set('k', 'v');
    await a.get('k', load);
    await settle();
    clock.advanceMs(59_000);
    expect((await b.look('k', load)).from).toBe('l2');
    clock.advanceMs(999);
    expect(b.peek('k')?.state).toBe('fresh');
    clock.advanceMs(1);
    expect(b.peek('k')?.state).toBe('stale');
    expect((await b.look('k', load)).from).toBe('loader');
    expect(loads()).toBe(2);
  });

  test('a negative entry has its own ttl, and is nothing once it is over', async () => {
    const { a, clock, load, loads } = fixture({ negativeTtl: '2s' });
    await a.get('none', load);
    clock.advanceMs(1_999);
    expect(a.peek('none')?.negative).toBe(true);
    clock.advanceMs(1);
    expect(a.peek('none')).toBeUndefined();
    await a.get('none', load);
    expect(loads()).toBe(2);
  });

  test('a ttl of 0 loads for every get, and keeps the last value only to stand in', async () => {
    const { a, truth, load, loads } = fixture({ ttl: '0s' });
    truth.set('k', 'v');
    await a.get('k', load);
    await settle();
    expect((await a.look('k', load)).from).toBe('loader');
    expect(a.peek('k')).toMatchObject({ value: 'v', state: 'stale' });
    expect(loads()).toBe(2);
  });

  test('a ttl of 0 without stale-if-error keeps nothing anywhere', async () => {
    const { a, truth, load } = fixture({ ttl: '0s', staleIfError: '0s' });
    truth.set('k', 'v');
    await a.get('k', load);
    await settle();
    expect(a.peek('k')).toBeUndefined();
    expect(a.stats().l2.filled).toBe(0);
  });

  test('a ttl beyond 2^31 milliseconds is as long as it says', async () => {
    const { a, b, clock, truth, load } = fixture({ ttl: '100d', l1: { maxEntries: 10, ttl: '200d' } });
    truth.set('k', 'v');
    await a.get('k', load);
    await settle();
    clock.advanceMs(99 * 86_400_000);
    expect(a.peek('k')?.state).toBe('fresh');
    expect((await b.look('k', load)).from).toBe('l2');
    clock.advanceMs(86_400_000);
    expect(a.peek('k')?.state).toBe('stale');
    expect((await b.look('k', load)).from).toBe('loader');
  });

  test('one call can have its own ttl', async () => {
    const { a, clock, load } = fixture();
    await a.get('k', async () => 'v', { ttl: '1s' });
    await a.get('none', load, { negativeTtl: '1s' });
    clock.advanceMs(1_000);
    expect(a.peek('k')?.state).toBe('stale');
    expect(a.peek('none')).toBeUndefined();
  });

  test('entries made together do not end together, and none lives longer than its ttl', async () => {
    const seed = 20_260_731;
    const { create, clock } = fixture({ random: seededRandom(seed), l1: { maxEntries: 1_000, ttl: '1h' } });
    const cache = create();
    for (let i = 0; i < 200; i += 1) await cache.get(`k${i}`, async () => 'v');
    const fresh = () => Array.from({ length: 200 }, (_, i) => cache.peek(`k${i}`)?.state === 'fresh').filter(Boolean);
    clock.advanceMs(54_000 - 1);
    expect(fresh(), `seed ${seed}`).toHaveLength(200);
    clock.advanceMs(3_000);
    expect(fresh().length, `seed ${seed}`).toBeGreaterThan(50);
    expect(fresh().length, `seed ${seed}`).toBeLessThan(150);
    clock.advanceMs(3_001);
    expect(fresh(), `seed ${seed}`).toHaveLength(0);
  });
});
