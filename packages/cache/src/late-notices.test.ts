import { StoreUnavailableError } from '@spillway/kernel';
import { until } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { fixture, gate, settle } from './testing/fixture.ts';

const down = () => {
  throw new StoreUnavailableError('DEL');
};
const failing = async (): Promise<string> => {
  throw new StoreUnavailableError('SELECT');
};

/** Two instances, of which `a` cannot delete in the store until told. */
function blocked() {
  const all = fixture();
  all.store.before = (operation) => (operation === 'invalidate' ? down() : undefined);
  return { ...all, release: () => Object.assign(all.store, { before: () => undefined }) };
}

describe('a delete that its instance could not make yet', () => {
  test('G5: the others do not read the old value in L2 meanwhile, nor fill it there', async () => {
    const { a, b, store, truth, load, release } = blocked();
    truth.set('k', 'old');
    await a.get('k', load);
    await settle();
    truth.set('k', 'new');
    expect(await a.invalidate({ key: 'k' })).toBe('pending');
    store.log.length = 0;
    expect(await b.look('k', load)).toEqual({ value: 'new', from: 'loader', negative: false });
    expect(store.log.filter((line) => !line.startsWith('invalidate'))).toEqual([]);
    expect(b.stats().l2.suspects).toBe(1);
    release();
    await until(() => a.stats().l2.pendingDeletes === 0);
    expect(b.stats().l2.suspects).toBe(0);
  });

  test('G4: once it is made, the others keep what they have read from the truth since', async () => {
    const { a, b, store, truth, load, release } = blocked();
    truth.set('k', 'v');
    await a.invalidate({ key: 'k' });
    await b.get('k', load);
    release();
    await until(() => a.stats().l2.pendingDeletes === 0);
    // Both go away at that moment.
    store.before = down;
    expect(await b.look('k', failing)).toMatchObject({ value: 'v', from: 'l1' });
  });

  test('G5: one who has not heard of it drops what it has once it is made', async () => {
    const { a, b, busB, truth, load, release } = blocked();
    truth.set('k', 'old');
    await a.get('k', load);
    await settle();
    busB.cut();
    truth.set('k', 'new');
    await a.invalidate({ key: 'k' });
    busB.restore();
    expect(await b.get('k', load)).toBe('old');
    release();
    await until(() => a.stats().l2.pendingDeletes === 0);
    expect(b.peek('k')).toBeUndefined();
    expect(await b.get('k', load)).toBe('new');
  });

  test('G5: a second change while the first is made up for keeps its own suspicion', async () => {
    const { a, b, store, truth, load } = blocked();
    const stuck = gate();
    await a.invalidate({ key: 'k' });
    // The replay of the first is on its way when the second is refused.
    let asked = 0;
    store.before = (operation) => {
      if (operation !== 'invalidate') return undefined;
      asked += 1;
      return asked === 1 ? stuck.promise : asked === 2 ? down() : undefined;
    };
    await until(() => asked === 1);
    truth.set('k', 'newer');
    expect(await a.invalidate({ key: 'k' })).toBe('pending');
    stuck.resolve();
    await settle();
    expect(b.stats().l2.suspects).toBe(1);
    expect((await b.look('k', load)).from).toBe('loader');
    await until(() => a.stats().l2.pendingDeletes === 0);
    expect(b.stats().l2.suspects).toBe(0);
  });

  test('G5: a delete of their own ends the suspicion, if it began after they heard of it', async () => {
    const { a, b, store, release } = blocked();
    await a.invalidate({ key: 'k' });
    const stuck = gate();
    store.before = (operation) => (operation === 'invalidate' ? stuck.promise : undefined);
    const own = b.invalidate({ key: 'other' });
    const early = b.invalidate({ key: 'early' });
    store.before = (operation) => (operation === 'invalidate' ? down() : undefined);
    await a.invalidate({ key: 'early' });
    stuck.resolve();
    await Promise.all([own, early]);
    expect(b.stats().l2.suspects).toBe(2);
    release();
    await b.invalidate({ key: 'k' });
    await b.set('early', 'v');
    expect(b.stats().l2.suspects).toBe(0);
  });

  test('G5: a later change that reaches L2 first, and lets old values stand in, does not forget it', async () => {
    const { a, b, busB, truth, load, release } = blocked();
    for (const key of ['k', 'other']) {
      truth.set(key, 'deleted');
      await a.get(key, load);
      await settle();
      await b.get(key, load);
    }
    busB.cut();
    expect(await a.invalidate({ key: 'k' })).toBe('pending');
    release();
    expect(await a.expire({ keys: ['k', 'other'] })).toBe('deleted');
    busB.restore();
    await expect(b.get('k', failing)).rejects.toThrow(StoreUnavailableError);
    expect(await b.look('other', failing)).toMatchObject({ value: 'deleted', from: 'stale' });
  });

  test('an instance that dies with it is suspected for ten minutes', async () => {
    const { a, b, clock, truth, load } = blocked();
    truth.set('k', 'v');
    await a.invalidate({ key: 'k' });
    await a.close();
    clock.advanceMs(600_000 - 1);
    expect((await b.look('k', load)).from).toBe('loader');
    await settle();
    clock.advanceMs(60_001);
    await b.get('k', load);
    await settle();
    expect(b.stats().l2.suspects).toBe(0);
    clock.advanceMs(5_001);
    expect((await b.look('k', load)).from).toBe('l2');
  });
});

describe('expire', () => {
  test('G5: no instance has the old value as fresh in any tier', async () => {
    const { a, b, truth, load } = fixture();
    truth.set('k', 'old');
    await a.get('k', load);
    await settle();
    await b.get('k', load);
    truth.set('k', 'new');
    expect(await a.expire({ keys: ['k', 'k'] })).toBe('deleted');
    for (const cache of [b, a]) {
      expect(cache.peek('k')?.state).toBe('stale');
      expect(await cache.get('k', load)).toBe('new');
    }
  });

  test('G4: where nothing newer is to be had the old value stands in, marked; after an invalidation it does not', async () => {
    const { a, b, truth, load } = fixture();
    for (const key of ['expired', 'invalidated']) {
      truth.set(key, 'old');
      await a.get(key, load);
      await settle();
      await b.get(key, load);
    }
    await a.expire({ key: 'expired' });
    await a.invalidate({ key: 'invalidated' });
    for (const cache of [a, b]) {
      expect(await cache.look('expired', failing)).toEqual({ value: 'old', from: 'stale', negative: false });
      await expect(cache.get('invalidated', failing)).rejects.toThrow(StoreUnavailableError);
    }
  });

  test('G4: nor is it an error for who was waiting for a load that fails', async () => {
    const { a, b, clock, truth, load } = fixture();
    truth.set('k', 'old');
    await a.get('k', load);
    await settle();
    clock.advanceMs(61_000);
    const fail = gate<string>();
    const waiting = a.look('k', () => fail.promise);
    await settle();
    await b.expire({ key: 'k' });
    fail.reject(new StoreUnavailableError('SELECT'));
    expect(await waiting).toMatchObject({ value: 'old', from: 'stale' });
  });

  test('G5: unless it was invalidated after it had expired', async () => {
    const { a, b, clock, truth, load } = fixture();
    truth.set('k', 'old');
    await a.get('k', load);
    await settle();
    clock.advanceMs(61_000);
    const fail = gate<string>();
    const waiting = a.look('k', () => fail.promise);
    await settle();
    await b.expire({ key: 'k' });
    await b.invalidate({ key: 'k' });
    fail.reject(new StoreUnavailableError('SELECT'));
    await expect(waiting).rejects.toThrow(StoreUnavailableError);
  });

  test('G5: a load that read the old row and was overtaken puts it back nowhere', async () => {
    const { a, b, truth, load } = fixture();
    truth.set('k', 'old');
    const read = gate();
    const slow = async (key: string) => {
      const row = truth.get(key);
      await read.promise;
      return row;
    };
    const waiting = a.get('k', slow);
    await settle();
    truth.set('k', 'new');
    await b.expire({ key: 'k' });
    read.resolve();
    expect(await waiting).toBe('new');
    expect(await b.get('k', load)).toBe('new');
  });

  test('one that could not be made is made up for, and does not make L2 call the key deleted', async () => {
    const { a, b, store, truth, load, release } = blocked();
    truth.set('k', 'old');
    await b.get('k', load);
    await settle();
    expect(await a.expire({ key: 'k' })).toBe('pending');
    release();
    await until(() => a.stats().l2.pendingDeletes === 0);
    expect(store.size).toBe(0);
    expect(await b.look('k', failing)).toMatchObject({ value: 'old', from: 'stale' });
  });

  test('G4: who has not heard of it keeps what it has as a stand-in once it is made', async () => {
    const { a, b, busB, store, truth, load, release } = blocked();
    truth.set('k', 'v');
    busB.cut();
    await a.expire({ key: 'k' });
    await b.get('k', load);
    busB.restore();
    release();
    await until(() => a.stats().l2.pendingDeletes === 0);
    store.before = down;
    expect(await b.look('k', failing)).toMatchObject({ value: 'v', from: 'stale' });
  });

  test('a negative entry does not stand in', async () => {
    const { a, load } = fixture();
    await a.get('none', load);
    await a.expire({ key: 'none' });
    await expect(a.get('none', failing)).rejects.toThrow(StoreUnavailableError);
  });
});
