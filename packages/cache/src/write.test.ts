import { StoreUnavailableError } from '@spillway/kernel';
import { until } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import type { Cache } from './cache.ts';
import { fixture, gate, settle } from './testing/fixture.ts';

const away = () => {
  throw new StoreUnavailableError('SET');
};

const world = (...given: Parameters<typeof fixture>) => {
  const all = fixture(...given);
  /** Writes to the truth, and through the cache. */
  const write = (cache: Cache<string>, value: string, before: Promise<void> = Promise.resolve()) =>
    cache.write('k', async () => {
      await before;
      all.truth.set('k', value);
      return value;
    });
  return { ...all, write };
};

describe('a write through the cache', () => {
  test('G5: is what every instance answers, and nobody asks the truth for it', async () => {
    const { a, b, truth, load, loads, write } = world();
    truth.set('k', 'old');
    for (const cache of [a, b]) expect(await cache.get('k', load)).toBe('old');
    const before = loads();
    expect(await write(a, 'new')).toBe('new');
    expect([await a.look('k', load), await b.look('k', load)]).toMatchObject([
      { value: 'new', from: 'l1' },
      { value: 'new', from: 'l2' },
    ]);
    expect(loads()).toBe(before);
  });

  test('of undefined is a negative entry', async () => {
    const { a, b, truth, load } = world();
    truth.set('k', 'old');
    await b.get('k', load);
    await a.write('k', async () => {
      truth.delete('k');
      return undefined;
    });
    expect(await b.look('k', load)).toMatchObject({ value: undefined, negative: true, from: 'l2' });
  });

  test('what it puts there is frozen and shared, like all values', async () => {
    const { create } = world();
    const cache = create() as unknown as Cache<{ name: string }>;
    const written = await cache.write('k', async () => ({ name: 'Ada' }));
    expect(Object.isFrozen(written)).toBe(true);
    expect(await cache.get('k', async () => undefined)).toBe(written);
  });

  test('G5: a look-up that read the old row meanwhile puts it back nowhere, with L2 and without', async () => {
    for (const l2 of ['on', 'off'] as const) {
      const { clock, store, create, truth, load, write } = world();
      const cache = create(l2 === 'on' ? { l2: store } : ({ l2: undefined } as object));
      truth.set('k', 'old');
      const [committed, answered] = [gate(), gate()];
      const writing = write(cache, 'new', committed.promise);
      await settle();
      const reading = cache.get('k', async (key) => {
        const row = truth.get(key);
        await answered.promise;
        return row;
      });
      await settle();
      committed.resolve();
      await writing;
      answered.resolve();
      await reading;
      await settle();
      expect([l2, await cache.get('k', load)]).toEqual([l2, 'new']);
      clock.advanceMs(10_000);
      expect([l2, await cache.get('k', load)]).toEqual([l2, 'new']);
    }
  });

  test('G5: of two at the same time neither stays: nobody can tell which came last', async () => {
    const where = { 'two instances': 'b', 'one instance': 'a' } as const;
    for (const other of Object.values(where)) {
      const { a, b, truth, load, write } = world();
      const caches = { a, b };
      const [first, second] = [gate(), gate()];
      const one = write(a, 'one', first.promise);
      await settle();
      const two = write(caches[other], 'two', second.promise);
      await settle();
      // Whoever began last commits first, so that the older beginning is what stands there.
      second.resolve();
      await two;
      first.resolve();
      await one;
      expect(truth.get('k')).toBe('one');
      for (const cache of [a, b]) expect(await cache.get('k', load)).toBe('one');
    }
  });

  test('the truth decides: what it refuses is thrown, and what may have been changed is read anew', async () => {
    const { a, b, truth, load } = world();
    truth.set('k', 'old');
    for (const cache of [a, b]) await cache.get('k', load);
    const failing = a.write('k', async () => {
      truth.set('k', 'new, but nobody heard of it');
      throw new StoreUnavailableError('COMMIT');
    });
    await expect(failing).rejects.toThrow('COMMIT');
    for (const cache of [a, b]) expect(await cache.get('k', load)).toBe('new, but nobody heard of it');
  });

  test('G5: what L2 did not take is an invalidation that waits for it', async () => {
    const { a, b, store, truth, load, write } = world();
    truth.set('k', 'old');
    for (const cache of [a, b]) await cache.get('k', load);
    await settle();
    store.before = away;
    expect(await write(a, 'new')).toBe('new');
    expect(a.stats().l2.pendingDeletes).toBe(1);
    for (const cache of [a, b]) expect(await cache.get('k', load)).toBe('new');
    store.before = () => undefined;
    store.turn('down');
    store.turn('up');
    await until(() => a.stats().l2.pendingDeletes === 0);
    expect(await store.open('test').read('k')).not.toMatchObject({ text: 'old' });
  });

  test('G5: an L2 that came back before the change was made does not keep what was loaded in between', async () => {
    const { a, b, clock, store, truth, load, write } = world();
    truth.set('k', 'old');
    const committed = gate();
    store.before = away;
    const writing = write(a, 'new', committed.promise);
    await settle();
    store.before = () => undefined;
    store.turn('down');
    store.turn('up');
    await settle();
    clock.advanceMs(2_000);
    expect(await b.get('k', load)).toBe('old');
    await settle();
    committed.resolve();
    await writing;
    expect([await a.get('k', load), await b.get('k', load)]).toEqual(['new', 'new']);
  });
});
