import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { StoreUnavailableError } from '@spillway/kernel';
import { until } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { createCache, SharedLoadError } from './index.ts';
import type { CacheOptions } from './options.ts';
import type { CacheSpace } from './store.ts';
import { fixture, gate, settle } from './testing/fixture.ts';

const across = (more: Partial<CacheOptions<string>['loads'] & object> = {}) => ({
  loads: { concurrent: 64, queued: 1_024, across: 'processes' as const, ...more },
});

describe('one load per key for all processes', () => {
  test('who asks while another loads waits, is woken, and gets the value from L2', async () => {
    const { a, b, truth, load, loads } = fixture(across());
    truth.set('k', 'v');
    const held = gate();
    const loading = a.look('k', async (key) => {
      await held.promise;
      return load(key);
    });
    await settle();
    const waiting = b.look('k', load);
    await until(() => b.stats().waits.waiting === 1);
    held.resolve();
    expect(await loading).toMatchObject({ value: 'v', from: 'loader' });
    expect(await waiting).toMatchObject({ value: 'v', from: 'l2' });
    expect(loads()).toBe(1);
    expect(b.stats().waits).toMatchObject({ waiting: 0, answered: 1 });
  });

  test('what is deleted, and what is stale, is loaded once, too', async () => {
    const { a, b, store, truth, load, loads, clock } = fixture(across());
    truth.set('k', 'v');
    const both = () => Promise.all([a.look('k', load), b.look('k', load)]);
    await a.get('k', load);
    await until(() => a.stats().l2.filled === 1);
    await a.invalidate({ key: 'k' });
    await both();
    expect(loads()).toBe(2);
    clock.advanceMs(61_000);
    await both();
    expect(loads()).toBe(3);
    expect(store.log.filter((line) => line === 'claim k')).toEqual([]);
  });

  test('20 handles of one cache that share a bus make one load', async () => {
    const { create, busA, truth, load, loads } = fixture(across());
    truth.set('k', 'v');
    const handles = Array.from({ length: 20 }, () => create({ bus: busA }));
    const values = await Promise.all(handles.map((handle) => handle.get('k', load)));
    expect(new Set(values)).toEqual(new Set(['v']));
    expect(loads()).toBe(1);
    expect(busA.sent.length).toBeLessThanOrEqual(1);
  });

  test('nobody is told when nobody waits', async () => {
    const { a, busA, truth, load } = fixture(across());
    truth.set('k', 'v');
    await a.get('k', load);
    await a.close();
    expect(busA.sent).toEqual([]);
  });

  test('a loader that fails runs once, and fails those who wait elsewhere with what is known of its error', async () => {
    const { a, b } = fixture(across());
    let loads = 0;
    const held = gate();
    const fail = async () => {
      loads += 1;
      await held.promise;
      throw Object.assign(new StoreUnavailableError('SELECT'), { secret: 1 });
    };
    const [loading, waiting] = [a.get('k', fail), b.get('k', fail)];
    loading.catch(() => undefined);
    waiting.catch(() => undefined);
    await until(() => b.stats().waits.waiting === 1);
    held.resolve();
    await expect(loading).rejects.toThrow(StoreUnavailableError);
    const error = (await waiting.catch((reason: unknown) => reason)) as SharedLoadError;
    expect(error).toBeInstanceOf(SharedLoadError);
    expect(error.message).toContain('failed with StoreUnavailableError: The store did not answer: "SELECT"');
    expect(error.reason.code).toBe('SPILLWAY_STORE_UNAVAILABLE');
    expect(error.retryable).toBe(true);
    expect(loads).toBe(1);
    // The next one tries again at once.
    expect(await b.get('k', async () => 'v')).toBe('v');
  });

  test('a loader that rejects with nothing fails those who wait as well', async () => {
    const { a, b } = fixture(across());
    const held = gate();
    const fail = async (): Promise<string> => {
      await held.promise;
      return Promise.reject(undefined);
    };
    const loading = a.get('k', fail).catch((error: unknown) => [error]);
    const waiting = b.get('k', fail).catch((error: unknown) => [error]);
    await until(() => b.stats().waits.waiting === 1);
    held.resolve();
    expect(await loading).toEqual([undefined]);
    expect(await waiting).toEqual([expect.any(SharedLoadError)]);
  });

  test('a stale value stands in for a failure elsewhere as for one of its own, and for a slow load after the soft timeout', async () => {
    const { a, b, truth, load, clock } = fixture(across({ softTimeout: '20ms' }));
    truth.set('k', 'old');
    await a.get('k', load);
    await until(() => a.stats().l2.filled === 1);
    await b.get('k', load);
    clock.advanceMs(61_000);
    const held = gate();
    const slow = async () => {
      await held.promise;
      throw new StoreUnavailableError('SELECT');
    };
    const loading = a.look('k', slow);
    expect(await b.look('k', slow)).toMatchObject({ value: 'old', from: 'stale' });
    expect(b.stats().waits.waiting).toBe(1);
    held.resolve();
    expect(await loading).toMatchObject({ value: 'old', from: 'stale' });
    await until(() => b.stats().waits.failed === 1);
  });

  test('G5: an invalidation during the load of another sends those who wait to the truth again', async () => {
    const { a, b, truth, load } = fixture(across());
    truth.set('k', 'old');
    const held = gate();
    const loading = a.look('k', async (key) => {
      const row = truth.get(key);
      await held.promise;
      return row;
    });
    await settle();
    const waiting = b.look('k', load);
    await until(() => b.stats().waits.waiting === 1);
    truth.set('k', 'new');
    await b.invalidate({ key: 'k' });
    expect((await waiting).value).toBe('new');
    expect(b.stats().waits.restarted).toBe(1);
    held.resolve();
    await loading;
    expect((await a.look('k', load)).value).toBe('new');
  });

  test('a lease that nobody renews ends, and the next one loads; what its holder brings late is refused', async () => {
    const { a, b, clock, store, truth, load } = fixture(across({ lease: '1s', hardTimeout: '10s' }));
    truth.set('k', 'v');
    const held = gate();
    const late = a.look('k', async () => {
      await held.promise;
      return 'late';
    });
    await settle();
    const waiting = b.look('k', load);
    await until(() => b.stats().waits.waiting === 1);
    clock.advanceMs(1_001);
    expect(await waiting).toMatchObject({ value: 'v', from: 'loader' });
    expect(b.stats().waits.takenOver).toBe(1);
    held.resolve();
    await late;
    await until(() => a.stats().l2.refused === 1);
    expect(await store.open('test').read('k')).toMatchObject({ kind: 'value', text: '"v"' });
  });

  test('a lease is renewed while its loader runs, and not before: loads that queue here are made elsewhere', async () => {
    const { a, b, store, load, truth } = fixture(across({ lease: '90ms', concurrent: 1 }));
    truth.set('queued', 'v');
    const held = gate();
    const renewals = (key: string) => store.log.filter((line) => line === `lease ${key}`).length;
    const running = a.get('running', async () => {
      await held.promise;
      return 'v';
    });
    const queued = a.get('queued', load);
    await settle();
    const [before, idle] = [renewals('running'), renewals('queued')];
    await until(() => renewals('running') >= before + 3);
    expect(renewals('queued')).toBe(idle);
    held.resolve();
    await Promise.all([running, queued, b.get('queued', load)]);
  });

  test('without a bus those who wait look now and then', async () => {
    const { create, truth, load, loads } = fixture(across());
    truth.set('k', 'v');
    const [one, other] = [create(), create()];
    const held = gate();
    const loading = one.look('k', async (key) => {
      await held.promise;
      return load(key);
    });
    await settle();
    const waiting = other.look('k', load);
    await until(() => other.stats().waits.waiting === 1);
    held.resolve();
    expect(await waiting).toMatchObject({ value: 'v', from: 'l2' });
    await loading;
    expect(loads()).toBe(1);
  });

  test('a bus that was cut wakes nobody; once it is known to have missed something they look again', async () => {
    const { a, b, busB, truth, load, loads } = fixture(across());
    truth.set('k', 'v');
    const held = gate();
    const loading = a.look('k', async (key) => {
      await held.promise;
      return load(key);
    });
    await settle();
    const waiting = b.look('k', load);
    await until(() => b.stats().waits.waiting === 1);
    busB.cut();
    held.resolve();
    await loading;
    await until(() => a.stats().l2.filled === 1);
    busB.restore();
    expect(await waiting).toMatchObject({ value: 'v', from: 'l2' });
    expect(loads()).toBe(1);
  });

  test('news of the end of a load that overtakes the answer "somebody loads it" is not lost', async () => {
    const { a, b, store, truth, load, loads } = fixture(across());
    truth.set('k', 'v');
    const [held, answer] = [gate(), gate()];
    const loading = a.look('k', async (key) => {
      await held.promise;
      return load(key);
    });
    await settle();
    let asked = 0;
    // Of b: the look passes, the answer to its take does not yet.
    store.after = () => (++asked === 2 ? answer.promise : undefined);
    const waiting = b.look('k', load);
    await until(() => asked === 2);
    held.resolve();
    await loading;
    await a.close();
    answer.resolve();
    expect(await waiting).toMatchObject({ value: 'v', from: 'l2' });
    expect(loads()).toBe(1);
  });

  test('G7: so many wait for others at a time; the ones beyond load for themselves, and the bound is told', async () => {
    const { a, b } = fixture(across({ queued: 2_000 }));
    const told: unknown[] = [];
    const onBound = (message: unknown): void => void told.push(message);
    subscribe('spillway:cache:bound', onBound);
    try {
      const held = gate();
      const load = async (key: string) => {
        await held.promise;
        return key;
      };
      const keys = Array.from({ length: 1_026 }, (_, i) => `k${i}`);
      const loading = keys.map((key) => a.get(key, load));
      await settle();
      const waiting = keys.map((key) => b.get(key, async () => key));
      await until(() => b.stats().answers.loader === 2);
      expect(b.stats().waits).toMatchObject({ waiting: 1_024 });
      expect(told).toContainEqual({ cache: 'test', bound: 'waits' });
      held.resolve();
      expect(await Promise.all([...loading, ...waiting])).toEqual([...keys, ...keys]);
      expect(b.stats().waits).toMatchObject({ waiting: 0 });
    } finally {
      unsubscribe('spillway:cache:bound', onBound);
    }
  });

  test('what can not be kept in L2 is loaded by each who waited, all at the same time', async () => {
    const { a, b, create, store, busB } = fixture(across());
    const c = create({ bus: busB });
    store.before = (operation) => {
      if (operation === 'fill') throw new StoreUnavailableError('OOM');
    };
    let loads = 0;
    const [first, rest] = [gate(), gate()];
    const load = async () => {
      loads += 1;
      await (loads === 1 ? first.promise : rest.promise);
      return 'v';
    };
    const all = [a, b, c].map((cache) => cache.get('k', load));
    await until(() => b.stats().waits.waiting + c.stats().waits.waiting === 2);
    first.resolve();
    await until(() => loads === 3);
    rest.resolve();
    expect(await Promise.all(all)).toEqual(['v', 'v', 'v']);
  });

  test('past the hard timeout nobody waits on: neither for one who loads, nor for one who hangs', async () => {
    const { a, b } = fixture(across({ hardTimeout: '60ms', lease: '50ms' }));
    const never = () => new Promise<string>(() => undefined);
    const loading = a.get('k', never);
    const waiting = b.get('k', never);
    await expect(loading).rejects.toThrow(/gave no answer within 60 ms/);
    await expect(waiting).rejects.toThrow(/gave no answer within 60 ms/);
    expect(await b.get('k', async () => 'v')).toBe('v');
  });

  test('G4: a store that goes away lets those who wait load for themselves', async () => {
    const { a, b, store, truth, load } = fixture(across());
    truth.set('k', 'v');
    const loading = a.get('k', () => new Promise<string>(() => undefined));
    loading.catch(() => undefined);
    await settle();
    const waiting = b.look('k', load);
    await until(() => b.stats().waits.waiting === 1);
    store.turn('down');
    expect(await waiting).toMatchObject({ value: 'v', from: 'loader' });
    expect(b.stats().waits.alone).toBe(1);
  });

  test('G4: leases that the store refuses are as none', async () => {
    const { a, store, truth, load } = fixture(across());
    truth.set('k', 'v');
    store.before = (operation) => {
      if (operation === 'lease') throw new StoreUnavailableError('EVALSHA');
    };
    expect(await a.look('k', load)).toMatchObject({ value: 'v', from: 'loader' });
  });

  test('a look-up that waits ends when its cache is closed', async () => {
    const { a, b, load, truth } = fixture(across());
    truth.set('k', 'v');
    const loading = a.get('k', () => new Promise<string>(() => undefined));
    loading.catch(() => undefined);
    await settle();
    const waiting = b.get('k', load);
    await until(() => b.stats().waits.waiting === 1);
    await b.close();
    expect(await waiting).toBe('v');
  });

  test('a caller who gives up leaves; the wait goes on for the cache', async () => {
    const { a, b, load, truth } = fixture(across());
    truth.set('k', 'v');
    const held = gate();
    const loading = a.get('k', async (key) => {
      await held.promise;
      return load(key);
    });
    await settle();
    const given = new AbortController();
    const waiting = b.get('k', load, { signal: given.signal });
    waiting.catch(() => undefined);
    await until(() => b.stats().waits.waiting === 1);
    given.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    held.resolve();
    await loading;
    await until(() => b.peek('k')?.value === 'v');
  });

  test('a store without leases, or none at all, is refused', () => {
    const without = ({ leases: _, ...space }: CacheSpace): CacheSpace => space;
    expect(() => fixture(across(), without)).toThrow(/loads.across: is "processes", which this l2 can not do/);
    expect(() => createCache({ name: 'x', ttl: '1s', ...across() })).toThrow(/needs an l2 to hold the leases/);
    const odd = { concurrent: 1, queued: 1, across: 'all' as 'process', lease: '1ms' as const };
    expect(() => createCache({ name: 'x', ttl: '1s', loads: odd })).toThrow(/got "all"/);
    expect(() => createCache({ name: 'x', ttl: '1s', loads: odd })).toThrow(/must be "50ms" or more, got "1ms"/);
  });
});
