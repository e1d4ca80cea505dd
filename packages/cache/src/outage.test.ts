import { OverloadedError, StoreUnavailableError } from '@spillway/kernel';
import { until } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import type { CacheSpace } from './store.ts';
import { fixture, gate, settle } from './testing/fixture.ts';

const LOST = '{"kind":"lost"}';

const down = () => {
  throw new StoreUnavailableError('GET');
};
const failing = async (): Promise<string> => {
  throw new StoreUnavailableError('SELECT');
};

describe('stale-if-error', () => {
  test('G4: a stale value stands in, marked and counted, when neither L2 nor the loader answers', async () => {
    const { a, store, clock, truth, load } = fixture();
    truth.set('k', 'v');
    await a.get('k', load);
    clock.advanceMs(3_600_000);
    store.before = down;
    expect(await a.look('k', failing)).toEqual({ value: 'v', from: 'stale', negative: false });
    expect(a.stats().answers.stale).toBe(1);
    expect(await a.look('k', async () => 'back')).toMatchObject({ value: 'back', from: 'loader' });
  });

  test('G4: one from L2 stands in as well, on an instance that never had it', async () => {
    const { a, b, clock, truth, load } = fixture();
    truth.set('k', 'v');
    await a.get('k', load);
    await settle();
    clock.advanceMs(3_600_000);
    expect(await b.look('k', failing)).toEqual({ value: 'v', from: 'stale', negative: false });
  });

  test('not beyond its time', async () => {
    const { a, store, clock, truth, load } = fixture({ staleIfError: '1h' });
    truth.set('k', 'v');
    await a.get('k', load);
    await settle();
    clock.advanceMs(3_600_000 + 60_000 - 1);
    expect((await a.look('k', failing)).from).toBe('stale');
    store.before = down;
    clock.advanceMs(1);
    await expect(a.look('k', failing)).rejects.toThrow(StoreUnavailableError);
    expect(a.peek('k')).toBeUndefined();
  });

  test('G5: never for a key that is known to be invalidated, here or by what L2 says', async () => {
    const { a, b, busB, truth, load } = fixture();
    truth.set('k', 'v');
    await a.get('k', load);
    await settle();
    await b.get('k', load);
    busB.cut();
    await a.invalidate({ key: 'k' });
    await expect(a.get('k', failing)).rejects.toThrow(StoreUnavailableError);
    busB.restore();
    // b missed the message, and still has the entry to stand in; but L2 remembers.
    expect(b.peek('k')?.state).toBe('stale');
    await expect(b.get('k', failing)).rejects.toThrow(StoreUnavailableError);
    expect(b.peek('k')).toBeUndefined();
  });

  test('G5: nor after somebody else asked for it, found nothing, and that is over', async () => {
    const { a, b, busB, clock, truth, load } = fixture();
    for (const key of ['gone', 'made again']) {
      truth.set(key, 'v');
      await a.get(key, load);
      await settle();
      await b.get(key, load);
    }
    busB.cut();
    for (const key of ['gone', 'made again']) {
      truth.delete(key);
      await a.invalidate({ key });
      expect(await a.get(key, load)).toBeUndefined();
      await settle();
    }
    await a.expire({ key: 'made again' });
    expect((await a.look('gone', failing)).negative).toBe(true);
    clock.advanceMs(30_001);
    busB.restore();
    for (const key of ['gone', 'made again']) {
      expect(b.peek(key)?.state).toBe('stale');
      await expect(b.get(key, failing)).rejects.toThrow(StoreUnavailableError);
    }
    // A deletion stands in nobody's way.
    truth.set('gone', 'new');
    expect(await b.get('gone', load)).toBe('new');
  });

  test('G5: nor when the invalidation comes while the loader is failing', async () => {
    const { a, b, clock, truth, load } = fixture();
    truth.set('k', 'v');
    await a.get('k', load);
    await settle();
    clock.advanceMs(61_000);
    const fail = gate<string>();
    const waiting = a.get('k', () => fail.promise);
    await settle();
    await b.invalidate({ key: 'k' });
    fail.reject(new StoreUnavailableError('SELECT'));
    await expect(waiting).rejects.toThrow(StoreUnavailableError);
  });

  test('G4: a negative entry never stands in: it would be a false "not found"', async () => {
    const { a, store, clock, load } = fixture({ negativeTtl: '1s' });
    await a.get('none', load);
    await settle();
    clock.advanceMs(1_000);
    await expect(a.get('none', failing)).rejects.toThrow(StoreUnavailableError);
    store.before = down;
    await expect(a.get('none', failing)).rejects.toThrow(StoreUnavailableError);
  });

  test('an error that no outage explains is not hidden, unless asked for', async () => {
    const { a, create, clock, truth, load } = fixture();
    truth.set('k', 'v');
    const lenient = create({ staleOnError: () => true, name: 'lenient' });
    const broken = create({
      staleOnError: () => {
        throw new Error('a bug');
      },
    });
    const bug = async (): Promise<string> => {
      throw new TypeError('a bug');
    };
    for (const cache of [a, lenient, broken]) await cache.get('k', load);
    clock.advanceMs(61_000);
    await expect(a.get('k', bug)).rejects.toThrow(TypeError);
    await expect(broken.get('k', bug)).rejects.toThrow(TypeError);
    expect((await lenient.look('k', bug)).from).toBe('stale');
  });

  test('a loader that is slow makes a stale value stand in after the soft timeout, and still fills the cache', async () => {
    const { create, clock, truth, load } = fixture();
    const cache = create({ loads: { concurrent: 4, queued: 4, softTimeout: '20ms' } });
    truth.set('k', 'old');
    await cache.get('k', load);
    await settle();
    clock.advanceMs(61_000);
    const slow = gate<string>();
    expect(await cache.look('k', () => slow.promise)).toMatchObject({ value: 'old', from: 'stale' });
    // Whoever comes now does not wait again, and starts no second load.
    expect(await cache.look('k', failing)).toMatchObject({ value: 'old', from: 'stale' });
    slow.resolve('new');
    await settle();
    expect(cache.peek('k')).toMatchObject({ value: 'new', state: 'fresh' });
  });

  test('a slow L2 makes a stale value stand in as fast as a slow loader does', async () => {
    const { create, store, clock, truth, load } = fixture();
    const cache = create({ loads: { concurrent: 4, queued: 4, softTimeout: '20ms' } });
    truth.set('k', 'old');
    await cache.get('k', load);
    await settle();
    clock.advanceMs(5_000);
    const slow = gate();
    store.before = () => slow.promise;
    expect(await cache.look('k', load)).toMatchObject({ value: 'old', from: 'stale' });
    slow.resolve();
  });
});

describe('loads', () => {
  test('G7: no more loads at a time than allowed; those without room get stale, or a refusal', async () => {
    const { create, clock, truth, load } = fixture();
    const cache = create({ loads: { concurrent: 2, queued: 1 } });
    truth.set('stale', 'v');
    await cache.get('stale', load);
    await settle();
    clock.advanceMs(61_000);
    const open = gate<string>();
    let running = 0;
    let most = 0;
    const slow = async () => {
      running += 1;
      most = Math.max(most, running);
      const value = await open.promise;
      running -= 1;
      return value;
    };
    const waiting = ['a', 'b', 'c'].map((key) => cache.get(key, slow));
    await settle();
    expect(cache.stats().loads).toMatchObject({ running: 2, queued: 1 });
    await expect(cache.get('d', slow)).rejects.toThrow(OverloadedError);
    expect((await cache.look('stale', slow)).from).toBe('stale');
    open.resolve('v');
    expect(await Promise.all(waiting)).toEqual(['v', 'v', 'v']);
    expect(most).toBe(2);
    expect(cache.stats().loads).toMatchObject({ running: 0, queued: 0, overloaded: 2 });
  });

  test('a load past its hard timeout is aborted and answered for, and keeps its place until it settles', async () => {
    const { create } = fixture();
    const cache = create({ loads: { concurrent: 1, queued: 5, hardTimeout: '30ms' } });
    const never = gate<string>();
    let aborted: unknown;
    const hang = (_: string, { signal }: { signal: AbortSignal }) => {
      signal.addEventListener('abort', () => {
        aborted = signal.reason;
      });
      return never.promise;
    };
    await expect(cache.get('k', hang)).rejects.toThrow('gave no answer within 30 ms');
    expect(aborted).toBeInstanceOf(StoreUnavailableError);
    expect(cache.stats().loads).toMatchObject({ running: 1, timedOut: 1 });
    // No room within the timeout: refused, and the queue is empty again.
    await expect(cache.get('other', async () => 'v')).rejects.toThrow(OverloadedError);
    expect(cache.stats().loads).toMatchObject({ running: 1, queued: 0 });
    never.resolve('late');
    await settle();
    expect(await cache.get('other', async () => 'v')).toBe('v');
  });

  test('what a load brings after its hard timeout still fills L2', async () => {
    const { create, b, load } = fixture();
    const cache = create({ loads: { concurrent: 1, queued: 5, hardTimeout: '30ms' } });
    const late = gate<string>();
    await expect(cache.get('k', () => late.promise)).rejects.toThrow(StoreUnavailableError);
    late.resolve('v');
    await settle();
    expect(await b.look('k', load)).toMatchObject({ value: 'v', from: 'l2' });
  });

  test('a signal asked for after the abort is aborted', async () => {
    const { create } = fixture();
    const cache = create({ loads: { concurrent: 1, queued: 5, hardTimeout: '20ms' } });
    const late = gate<boolean>();
    const hang = async (_: string, context: { signal: AbortSignal }) => {
      await until(() => cache.stats().loads.timedOut === 1);
      late.resolve(context.signal.aborted);
      return 'v';
    };
    await expect(cache.get('k', hang)).rejects.toThrow(StoreUnavailableError);
    expect(await late.promise).toBe(true);
  });
});

describe('without L2', () => {
  test('G4: an L2 that is down or fails is not waited for, and the loader answers', async () => {
    const { a, store, truth, load } = fixture();
    truth.set('k', 'v');
    store.before = down;
    expect(await a.look('k', load)).toMatchObject({ value: 'v', from: 'loader' });
    store.turn('down');
    store.log.length = 0;
    expect(await a.look('other', load)).toMatchObject({ from: 'loader' });
    expect(store.log).toEqual([]);
  });

  test('G5: a delete while L2 is away does not let the old value rise again, and is made up for', async () => {
    const { a, b, busA, store, clock, truth, load } = fixture();
    truth.set('k', 'old');
    await a.get('k', load);
    await settle();
    store.before = down;
    store.turn('down');
    truth.set('k', 'new');
    await a.invalidate({ key: 'k' });
    expect(a.stats().l2).toMatchObject({ pendingDeletes: 1, bypassed: 'all' });
    store.before = (operation) => (operation === 'invalidate' ? down() : undefined);
    store.turn('up');
    clock.advanceMs(1_000);
    // Up again, but the delete has not come through: this instance does not read the key there.
    expect(await a.get('k', load)).toBe('new');
    expect(a.stats().l2).toMatchObject({ pendingDeletes: 1, bypassed: 'pending-keys' });
    store.before = () => undefined;
    busA.sent.length = 0;
    await until(() => a.stats().l2.pendingDeletes === 0);
    expect(busA.sent).toEqual([expect.stringContaining('"replayed","keys":["k"]')]);
    expect(await b.get('k', load)).toBe('new');
  });

  test('G5: right after an outage L2 is not read until the others had time to make up for their deletes', async () => {
    const { a, b, store, clock, truth, load } = fixture();
    truth.set('k', 'old');
    await a.get('k', load);
    await settle();
    store.turn('down');
    truth.set('k', 'new');
    store.turn('up');
    expect(await b.look('k', load)).toMatchObject({ value: 'new', from: 'loader' });
    expect(b.stats().l2.bypassed).toBe('all');
    clock.advanceMs(1_000);
    expect(b.stats().l2.bypassed).toBe('none');
  });

  test('G5, G7: more pending deletes than fit make the whole of L2 unreadable, until what was in it is disowned', async () => {
    const { a, b, busA, store, clock, truth, load } = fixture();
    truth.set('beyond', 'old');
    await a.get('beyond', load);
    await settle();
    store.before = down;
    await a.invalidate({ keys: Array.from({ length: 10_000 }, (_, i) => `k${i}`) });
    truth.set('beyond', 'new');
    await a.invalidate({ key: 'beyond' });
    expect(a.stats().l2).toMatchObject({ pendingDeletes: 10_000, bypassed: 'all' });
    store.before = (operation) => (operation === 'invalidate' ? down() : undefined);
    expect(await a.get('beyond', load)).toBe('new');
    await until(() => busA.sent.includes(LOST));
    clock.advanceMs(10);
    store.before = () => undefined;
    await until(() => a.stats().l2.bypassed === 'none');
    for (const cache of [a, b]) {
      await until(() => cache.stats().l2.bypassed === 'none');
      expect(await cache.get('beyond', load)).toBe('new');
    }
    expect(busA.sent.filter((message) => message === LOST)).toHaveLength(1);
  });

  test('a delete whose answer was lost is repeated, and a newer one is not forgotten meanwhile', async () => {
    const { a, store, truth, load } = fixture();
    let lost = 0;
    store.after = (operation) => {
      if (operation === 'invalidate' && ++lost <= 2) down();
    };
    await a.invalidate({ key: 'k' });
    await a.invalidate({ key: 'k' });
    truth.set('k', 'v');
    expect(await a.get('k', load)).toBe('v');
    await until(() => a.stats().l2.pendingDeletes === 0);
    expect(lost).toBeGreaterThan(2);
  });

  test('a set while L2 is away is kept in L1, and its old value is deleted later', async () => {
    const { a, b, store, truth, load } = fixture();
    truth.set('k', 'old');
    await b.get('k', load);
    await settle();
    store.before = down;
    truth.set('k', 'new');
    await a.set('k', 'new');
    expect(a.peek('k')?.value).toBe('new');
    store.before = () => undefined;
    await until(() => a.stats().l2.pendingDeletes === 0);
    expect(await b.get('k', load)).toBe('new');
  });
});

describe('a store that does not keep to its contract', () => {
  const thrown = () => {
    throw new TypeError('not a store');
  };
  test.each<[string, Partial<CacheSpace>]>([
    ['read throws at once', { read: thrown }],
    ['claim throws at once', { claim: thrown }],
    ['fill throws at once', { fill: thrown }],
    ['read answers nothing', { read: async () => undefined as never }],
    ['claim answers nothing', { claim: async () => undefined as never }],
  ])('is passed by when %s: each caller gets the truth, and the cache closes', async (_, odd) => {
    const { a, truth, load } = fixture({ l1: 'off' }, (space) => ({ ...space, ...odd }));
    truth.set('k', 'v');
    expect(await Promise.all([a.get('k', load), a.get('k', load)])).toEqual(['v', 'v']);
    expect(await a.get('k', load)).toBe('v');
    expect(a.stats().flights).toBe(0);
    expect(a.stats().l2.errors).toBeGreaterThan(0);
    await a.close();
  });
});
