import { OverloadedError, StoreUnavailableError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import type { BatchLoader } from './cache.ts';
import { fixture, gate, settle } from './testing/fixture.ts';

/** A fixture with a batch loader on its truth, and the batches that it was asked for. */
function many(...given: Parameters<typeof fixture>) {
  const world = fixture(...given);
  const batches: (readonly string[])[] = [];
  const loadMany: BatchLoader<string> = async (keys) => {
    batches.push(keys);
    return new Map(keys.flatMap((key) => (world.truth.has(key) ? [[key, world.truth.get(key) as string]] : [])));
  };
  for (const key of ['a', 'b', 'c', 'd']) world.truth.set(key, key.toUpperCase());
  return { ...world, batches, loadMany };
}

describe('getMany', () => {
  test('values come in the order of the keys: from L1, L2 and one load; a key may come twice, or not exist', async () => {
    const { a, b, store, load, loads, loadMany, batches } = many();
    await b.get('b', load);
    await a.get('a', load);
    await settle();
    store.log.length = 0;
    const keys = ['c', 'a', 'none', 'b', 'c', 'd', 'none'];
    expect(await a.getMany(keys, loadMany)).toEqual(['C', 'A', undefined, 'B', 'C', 'D', undefined]);
    expect(batches).toEqual([['c', 'none', 'd']]);
    expect(loads()).toBe(2);
    expect(a.stats()).toMatchObject({ answers: { l1: 1, l2: 1, loader: 6, negative: 2 }, loads: { loaded: 2 } });
    await settle();
    // All are read before the first is claimed, and claimed before the first is filled.
    expect(store.log.map((line) => line.slice(0, 4)).join(' ')).toBe(
      'read read read read clai clai clai fill fill fill',
    );
    expect(await b.getMany(keys, loadMany)).toEqual(['C', 'A', undefined, 'B', 'C', 'D', undefined]);
    expect(await a.getMany(keys, loadMany)).toEqual(['C', 'A', undefined, 'B', 'C', 'D', undefined]);
    expect(batches).toHaveLength(1);
  });

  test('no keys are no load', async () => {
    const { a, loadMany, batches } = many();
    expect(await a.getMany([], loadMany)).toEqual([]);
    expect(batches).toEqual([]);
  });

  test('a key that a get is loading is not loaded again, and the other way round', async () => {
    const { a, truth, batches, load, loads } = many();
    const single = gate<string>();
    const first = a.get('a', () => single.promise);
    await settle();
    const batch = gate();
    const all = a.getMany(['a', 'b'], async (keys) => {
      batches.push(keys);
      await batch.promise;
      return new Map(keys.map((key) => [key, truth.get(key)]));
    });
    await settle();
    expect(batches).toEqual([['b']]);
    const second = a.get('b', load);
    single.resolve('A');
    batch.resolve();
    expect([await first, await all, await second]).toEqual(['A', ['A', 'B'], 'B']);
    expect(loads()).toBe(0);
  });

  test('two getMany that overlap load each key once', async () => {
    const { a, loadMany, batches } = many();
    const both = [a.getMany(['a', 'b', 'c'], loadMany), a.getMany(['d', 'c', 'b'], loadMany)];
    expect(await Promise.all(both)).toEqual([
      ['A', 'B', 'C'],
      ['D', 'C', 'B'],
    ]);
    expect(batches).toEqual([['a', 'b', 'c'], ['d']]);
  });

  test('without L2 it is one load as well', async () => {
    const { a, store, loadMany, batches } = many();
    store.turn('down');
    expect(await a.getMany(['a', 'b'], loadMany)).toEqual(['A', 'B']);
    expect(batches).toEqual([['a', 'b']]);
  });

  test('an Error in the map fails its key alone; what was loaded of the others is kept', async () => {
    const { a, b, batches } = many();
    const partly: BatchLoader<string> = async (keys) => {
      batches.push(keys);
      return new Map<string, string | Error>([
        ['b', new Error('b is broken')],
        ['a', 'A'],
      ]);
    };
    const all = a.getMany(['a', 'b', 'none'], partly);
    const single = a.get('a', async () => 'not asked');
    await expect(all).rejects.toThrow('b is broken');
    expect(await single).toBe('A');
    await settle();
    expect(await b.getMany(['a', 'none'], partly)).toEqual(['A', undefined]);
    expect(batches).toHaveLength(1);
  });

  test('a batch that fails fails once for all who wait, and of several errors the first key’s is told', async () => {
    const { a } = many();
    let runs = 0;
    const fail = async (): Promise<never> => {
      runs += 1;
      throw new Error('no');
    };
    const results = await Promise.allSettled([a.getMany(['a', 'b'], fail), a.get('b', fail)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(runs).toBe(1);
    expect(a.stats().flights).toBe(0);
    const each: BatchLoader<string> = async (keys) => new Map(keys.map((key) => [key, new Error(key)]));
    await expect(a.getMany(['d', 'c'], each)).rejects.toThrow('d');
  });

  test('where the truth is away each key’s own stale value stands in', async () => {
    const { a, clock, loadMany } = many();
    await a.getMany(['a', 'b'], loadMany);
    await settle();
    clock.advanceMs(61_000);
    const away = async () => Promise.reject(new StoreUnavailableError('SELECT'));
    expect(await a.getMany(['b', 'a'], away)).toEqual(['B', 'A']);
    expect(a.stats().answers.stale).toBe(2);
    await expect(a.getMany(['a', 'c'], away)).rejects.toThrow(StoreUnavailableError);
  });

  test('what is no Map is told, with the remedy', async () => {
    const { a } = many();
    const wrong = (async (keys: readonly string[]) => keys) as unknown as BatchLoader<string>;
    await expect(a.getMany(['a'], wrong)).rejects.toThrow('new Map(rows.map((row) => [row.id, row]))');
  });

  test('G7: more than 1,000 keys, and what is no key, are refused before anything is looked up', async () => {
    const { a, store, loadMany } = many();
    const keys = Array.from({ length: 1_001 }, (_, i) => String(i));
    await expect(a.getMany(keys, loadMany)).rejects.toThrow('at most 1000 keys, got 1001');
    await expect(a.getMany(['a', 7 as never], loadMany)).rejects.toThrow('A cache key is a string, got number');
    await expect(a.getMany('a' as never, loadMany)).rejects.toThrow('an array of keys, got string');
    await expect(a.getMany(['a'], loadMany, { ttl: 'soon' as never })).rejects.toThrow('"soon" is not a duration');
    expect(store.log).toEqual([]);
  });

  test('G7: a batch is one load of the bulkhead', async () => {
    const { create, loadMany } = many();
    const cache = create({ loads: { concurrent: 1, queued: 0 } });
    expect(await cache.getMany(['a', 'b', 'c'], loadMany)).toEqual(['A', 'B', 'C']);
    const open = gate<string>();
    const busy = cache.get('d', () => open.promise);
    await settle();
    await expect(cache.getMany(['e', 'f'], loadMany)).rejects.toThrow(OverloadedError);
    open.resolve('D');
    await busy;
  });

  test('G5: a key that is invalidated during the batch is kept nowhere, loaded again, and no other is', async () => {
    const { a, b, truth, batches, loadMany } = many();
    const read = gate();
    const slow: BatchLoader<string> = async (keys, context) => {
      const rows = await loadMany(keys, context);
      if (batches.length === 1) await read.promise;
      return rows;
    };
    const waiting = a.getMany(['a', 'b', 'c', 'd'], slow);
    await settle();
    for (const key of ['b', 'd']) truth.set(key, 'new');
    await b.invalidate({ keys: ['b', 'd'] });
    read.resolve();
    expect(await waiting).toEqual(['A', 'new', 'C', 'new']);
    // Both that began again went into one load again.
    expect(batches).toEqual([
      ['a', 'b', 'c', 'd'],
      ['b', 'd'],
    ]);
    await settle();
    expect(await b.getMany(['d', 'c', 'b', 'a'], loadMany)).toEqual(['new', 'C', 'new', 'A']);
    expect(batches).toHaveLength(2);
  });

  test('G5: a batch overtaken in another process, whose bus is silent, fills nothing of what changed', async () => {
    const { a, b, busA, truth, loadMany } = many();
    busA.cut();
    const read = gate();
    const waiting = a.getMany(['a', 'b'], async (keys, context) => {
      const rows = await loadMany(keys, context);
      await read.promise;
      return rows;
    });
    await settle();
    truth.set('b', 'new');
    await b.invalidate({ key: 'b' });
    read.resolve();
    await waiting;
    await settle();
    expect(a.stats().l2).toMatchObject({ filled: 1, refused: 1 });
    expect([a.peek('a')?.state, a.peek('b')?.state]).toEqual(['fresh', 'stale']);
    expect(await b.getMany(['a', 'b'], loadMany)).toEqual(['A', 'new']);
  });

  test('a batch past its hard timeout fills what it brings later', async () => {
    const { create, b, batches, loadMany } = many();
    const cache = create({ loads: { concurrent: 1, queued: 0, hardTimeout: '20ms' } });
    const late = gate();
    let aborted = false;
    const slow: BatchLoader<string> = async (keys, { signal }) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      await late.promise;
      return await loadMany(keys, { signal, previous: new Map() });
    };
    await expect(cache.getMany(['a', 'none'], slow)).rejects.toThrow('gave no answer within 20 ms');
    expect(aborted).toBe(true);
    late.resolve();
    await settle();
    expect(await b.getMany(['a', 'none'], loadMany)).toEqual(['A', undefined]);
    expect(batches).toHaveLength(1);
  });

  test('a caller’s signal ends its own waiting', async () => {
    const { a } = many();
    const leaver = new AbortController();
    const open = gate<Map<string, string>>();
    const leaving = a.getMany(['a'], () => open.promise, { signal: leaver.signal });
    const staying = a.getMany(['a'], () => open.promise);
    await settle();
    leaver.abort(new Error('gone'));
    await expect(leaving).rejects.toThrow('gone');
    await expect(a.getMany(['b'], () => Promise.reject(new Error('no')), { signal: leaver.signal })).rejects.toThrow(
      'gone',
    );
    open.resolve(new Map([['a', 'A']]));
    expect(await staying).toEqual(['A']);
    await settle();
  });

  test('keys named like members of Object are keys like others', async () => {
    const { a, truth, loadMany } = many();
    truth.set('__proto__', 'p');
    expect(await a.getMany(['__proto__', 'constructor', ''], loadMany)).toEqual(['p', undefined, undefined]);
  });
});
