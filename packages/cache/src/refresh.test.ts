import { type Random, StoreUnavailableError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { fixture, gate, settle } from './testing/fixture.ts';

const failing = async (): Promise<never> => {
  throw new StoreUnavailableError('SELECT');
};

/** `k` in both tiers of both instances, its ttl of a minute over for a second. */
async function expired(more: Parameters<typeof fixture>[0] = {}) {
  const world = fixture({ staleWhileRevalidate: '10s', l1: { maxEntries: 10, ttl: '5m' }, ...more });
  world.truth.set('k', 'old');
  await world.a.get('k', world.load);
  await settle();
  await world.b.get('k', world.load);
  world.clock.advanceMs(61_000);
  world.truth.set('k', 'new');
  return world;
}

describe('stale while revalidate', () => {
  test('a value past its ttl answers at once, marked, and one load refreshes it for all tiers and instances', async () => {
    const { a, b, truth, load, loads } = await expired();
    truth.set('k', 'new');
    const open = gate();
    const slow = async (key: string) => {
      await open.promise;
      return await load(key);
    };
    for (let i = 0; i < 100; i += 1) {
      expect(await a.look('k', slow)).toEqual({ value: 'old', from: 'stale', negative: false });
    }
    expect(a.peek('k')?.state).toBe('due');
    expect(a.stats()).toMatchObject({ flights: 1, loads: { running: 1 }, answers: { stale: 100 } });
    open.resolve();
    await settle();
    expect(await a.look('k', load)).toEqual({ value: 'new', from: 'l1', negative: false });
    expect(loads()).toBe(2);
    // What another has refreshed is not loaded again.
    expect((await b.look('k', load)).value).toBe('old');
    await settle();
    expect((await b.look('k', load)).value).toBe('new');
    expect(loads()).toBe(2);
  });

  test('it is off unless it is asked for', async () => {
    const { a, load } = await expired({ staleWhileRevalidate: '0s' });
    expect(a.peek('k')?.state).toBe('stale');
    expect((await a.look('k', load)).from).toBe('loader');
  });

  test('past its time the load is waited for; past l1.ttl L2 is asked first, and answers so as well', async () => {
    const short = { maxEntries: 10, ttl: '5s' } as const;
    const { a, b, clock, store, load, loads } = await expired({ l1: short });
    store.log.length = 0;
    expect(await a.look('k', load)).toMatchObject({ value: 'old', from: 'stale' });
    expect(store.log[0]).toBe('read k');
    await settle();
    expect(await b.look('k', load)).toMatchObject({ value: 'new', from: 'l2' });
    expect(loads()).toBe(2);
    clock.advanceMs(70_001);
    expect(await a.look('k', load)).toMatchObject({ value: 'new', from: 'loader' });
  });

  test('without L1 the value of L2 answers at once, for all who come while it is loaded', async () => {
    const { create, clock, load, loads } = await expired();
    const cache = create({ l1: 'off' });
    const open = gate();
    const slow = async (key: string) => {
      await open.promise;
      return await load(key);
    };
    expect(await Promise.all([cache.get('k', slow), cache.get('k', slow)])).toEqual(['old', 'old']);
    expect(await cache.get('k', slow)).toBe('old');
    // But not for longer than L1 might have: what the flight answered with is proven no more, and its load is waited for.
    clock.advanceMs(5_000);
    const waiting = cache.get('k', load);
    open.resolve();
    expect(await waiting).toBe('new');
    expect(loads()).toBe(2);
  });

  test('negative entries do not outlive their time', async () => {
    const { a, clock, truth, load } = fixture({ staleWhileRevalidate: '10s', negativeTtl: '10s' });
    await a.get('none', load);
    await settle();
    clock.advanceMs(10_001);
    truth.set('none', 'some');
    expect(await a.look('none', load)).toMatchObject({ value: 'some', from: 'loader' });
  });

  test('a refresh that fails troubles nobody, and the next read tries again', async () => {
    const { a, load } = await expired();
    expect(await a.get('k', failing)).toBe('old');
    await settle();
    expect(a.stats()).toMatchObject({ flights: 0, loads: { failed: 1 }, answers: { failed: 0 } });
    expect(await a.get('k', load)).toBe('old');
    await settle();
    expect(await a.get('k', load)).toBe('new');
  });

  test('G7: a refresh passes the bulkhead: what finds no room is not refreshed, and answers all the same', async () => {
    const { create, clock, truth, load } = await expired();
    const cache = create({ loads: { concurrent: 1, queued: 0 } });
    truth.set('k', 'older');
    await cache.get('k', load);
    await settle();
    clock.advanceMs(61_000);
    const open = gate<string>();
    const busy = cache.get('other', () => open.promise);
    await settle();
    expect(await cache.get('k', load)).toBe('older');
    await settle();
    expect(cache.stats().loads).toMatchObject({ running: 1, overloaded: 1 });
    open.resolve('v');
    await busy;
  });

  test('G5: what was invalidated or has expired never answers so: not here, not on another instance, not from L2', async () => {
    for (const how of ['invalidate', 'expire'] as const) {
      const { a, b, load } = await expired();
      await a[how]({ key: 'k' });
      expect(await a.look('k', load)).toMatchObject({ value: 'new', from: 'loader' });
      expect((await b.look('k', load)).value).toBe('new');
    }
  });

  test('G5: nor where the bus was silent: a gap, or the ceiling, has L2 asked first', async () => {
    for (const how of ['gap', 'ceiling'] as const) {
      const { a, b, busB, clock, load } = await expired({ l1: { maxEntries: 10, ttl: '62s' } });
      busB.cut();
      await a.invalidate({ key: 'k' });
      if (how === 'gap') busB.restore();
      else clock.advanceMs(1_000);
      expect([how, (await b.look('k', load)).value]).toEqual([how, 'new']);
    }
  });

  test('G5: nor does what L2 only holds in doubt', async () => {
    const doubting = fixture({ staleWhileRevalidate: '10s', l1: 'off' }, (space) => ({
      ...space,
      read: async (key) => {
        const read = await space.read(key);
        return read.kind === 'value' ? { ...read, freshForMs: Math.min(read.freshForMs, 0), doubted: true } : read;
      },
    }));
    const { a, truth, load } = doubting;
    truth.set('k', 'old');
    await a.get('k', load);
    await settle();
    truth.set('k', 'new');
    expect(await a.look('k', load)).toMatchObject({ value: 'new', from: 'loader' });
    expect(await a.look('k', failing)).toMatchObject({ value: 'new', from: 'stale' });
  });

  test('G5: a background refresh that read the old row and was overtaken puts it back nowhere', async () => {
    for (const by of ['a', 'b'] as const) {
      const world = await expired();
      const { a, b, truth, load } = world;
      const read = gate();
      truth.set('k', 'older');
      await a.get('k', async (key) => {
        const row = truth.get(key);
        await read.promise;
        return row;
      });
      await settle();
      truth.set('k', 'new');
      await world[by].invalidate({ key: 'k' });
      read.resolve();
      await settle();
      expect(a.peek('k')).toBeUndefined();
      // It is not begun again: nobody waits for it.
      expect(a.stats()).toMatchObject({ flights: 0, loads: { loaded: 2 } });
      expect([await b.get('k', load), await a.get('k', load)]).toEqual(['new', 'new']);
    }
  });

  test('G5: nor does one in a process whose bus is silent, nor one during a flush', async () => {
    for (const how of ['silent', 'flush'] as const) {
      const { a, b, busA, store, truth, load } = await expired();
      const read = gate();
      truth.set('k', 'older');
      await a.get('k', async (key) => {
        const row = truth.get(key);
        await read.promise;
        return row;
      });
      await settle();
      busA.cut();
      if (how === 'flush') store.flush();
      truth.set('k', 'new');
      await b.invalidate({ key: 'k' });
      read.resolve();
      await settle();
      expect(a.stats().l2).toMatchObject({ filled: 1, refused: 1 });
      expect(a.peek('k')?.state).toBe('stale');
      expect([await b.get('k', load), await a.get('k', load)]).toEqual(['new', 'new']);
    }
  });

  test('a caller who waits for a refresh that was overtaken gets the new value', async () => {
    const { a, clock, truth, load } = await expired();
    const read = gate();
    truth.set('k', 'older');
    await a.get('k', async (key) => {
      const row = truth.get(key);
      await read.promise;
      return row;
    });
    await settle();
    // Past all it may answer with, so that the caller has to wait.
    clock.advanceMs(60_000);
    const waiting = a.get('k', load);
    truth.set('k', 'new');
    await a.invalidate({ key: 'k' });
    read.resolve();
    expect(await waiting).toBe('new');
  });

  test('getMany answers with what is due, and refreshes it together with the rest', async () => {
    const { a } = await expired();
    const batches: (readonly string[])[] = [];
    const loadMany = async (keys: readonly string[]) => {
      batches.push(keys);
      return new Map(keys.map((key) => [key, `new ${key}`]));
    };
    expect(await a.getMany(['k', 'other'], loadMany)).toEqual(['old', 'new other']);
    await settle();
    expect(await a.getMany(['k', 'other'], loadMany)).toEqual(['new k', 'new other']);
    expect(batches).toEqual([['k', 'other']]);
  });
});

describe('early refresh', () => {
  /** A cache whose loads take 100 ms, and a dice. */
  async function hot(ttl: '5m' | '5s' = '5m') {
    let luck = 0;
    const random: Random = () => luck;
    const world = fixture({ earlyRefresh: 1, jitter: 0, random, l1: { maxEntries: 10, ttl } });
    let value = 0;
    const slow = async (): Promise<string> => {
      world.clock.advanceMs(100);
      value += 1;
      return `v${value}`;
    };
    const dice = (next: number): void => {
      luck = next;
    };
    await world.a.get('k', slow);
    await settle();
    return { ...world, slow, dice, loaded: () => value };
  }

  test('shortly before its end a read is drawn to refresh it, answers at once, and the others go on with L1', async () => {
    const { a, clock, slow, dice, loaded } = await hot();
    // One in 22,000 is drawn 1 s ahead: ten times what a load takes. Nobody is any earlier.
    dice(1 - 1 / 22_026);
    clock.advanceMs(58_999);
    expect(await a.look('k', slow)).toMatchObject({ value: 'v1', from: 'l1' });
    await settle();
    expect(loaded()).toBe(1);
    clock.advanceMs(600);
    dice(0.5);
    expect(a.peek('k')?.state).toBe('fresh');
    await a.get('k', slow);
    expect(loaded()).toBe(1);
    dice(0.999);
    expect(a.peek('k')?.state).toBe('due');
    // Once drawn it stays so for whoever comes next.
    dice(0.5);
    expect(await a.look('k', slow)).toMatchObject({ value: 'v1', from: 'l1' });
    await settle();
    expect(loaded()).toBe(2);
    expect(await a.look('k', slow)).toMatchObject({ value: 'v2', from: 'l1' });
    clock.advanceMs(30_000);
    expect(a.peek('k')?.state).toBe('fresh');
  });

  test('it is off unless it is asked for', async () => {
    const { a, clock, load, loads } = fixture({ random: () => 0.999_999, jitter: 0, l1: { maxEntries: 9, ttl: '5m' } });
    await a.get('k', load);
    clock.advanceMs(29_999);
    await a.get('k', load);
    await settle();
    expect(loads()).toBe(1);
  });

  test('a read of L2 is drawn as well; what another instance has refreshed is taken, and not loaded', async () => {
    const { a, b, clock, slow, dice, loaded } = await hot('5s');
    // b has to have loaded something to know how long it takes.
    await b.get('other', slow);
    clock.advanceMs(59_600);
    dice(0.999);
    expect(await b.look('k', slow)).toMatchObject({ value: 'v1', from: 'l2' });
    await settle();
    expect(loaded()).toBe(3);
    expect(await b.look('k', slow)).toMatchObject({ value: 'v3', from: 'l1' });
    expect(await a.look('k', slow)).toMatchObject({ value: 'v3', from: 'l2' });
    await settle();
    expect(loaded()).toBe(3);
  });

  test('an instance that still has the old one takes what another has refreshed', async () => {
    const { a, b, clock, slow, dice, loaded } = await hot();
    clock.advanceMs(59_300);
    await b.get('other', slow);
    await b.get('k', slow);
    dice(0.999);
    clock.advanceMs(200);
    await b.get('k', slow);
    await settle();
    expect(loaded()).toBe(3);
    expect(await a.get('k', slow)).toBe('v1');
    await settle();
    expect(await a.look('k', slow)).toMatchObject({ value: 'v3', from: 'l1' });
    expect(loaded()).toBe(3);
  });

  test('G5: an early refresh that was overtaken by an invalidation puts the old value back nowhere', async () => {
    const { a, b, clock, dice } = await hot();
    clock.advanceMs(59_600);
    dice(0.999);
    const read = gate<string>();
    expect(await a.get('k', () => read.promise)).toBe('v1');
    await settle();
    await b.invalidate({ key: 'k' });
    read.resolve('old');
    await settle();
    expect(a.peek('k')).toBeUndefined();
    expect(await a.get('k', async () => 'new')).toBe('new');
    expect(await b.get('k', async () => 'new')).toBe('new');
  });

  test('negative entries are not refreshed early', async () => {
    const { a, clock, dice } = await hot();
    await a.get('none', async () => {
      clock.advanceMs(100);
      return undefined;
    });
    dice(0.999_999);
    clock.advanceMs(29_950);
    expect(a.peek('none')?.state).toBe('fresh');
  });
});
