import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { OverloadedError, StoreUnavailableError } from '@spillway/kernel';
import { until } from '@spillway/testkit';
import { afterEach, describe, expect, test } from 'vitest';
import { UnsupportedValueError } from '../errors.ts';
import { createChaos } from '../testing/chaos/chaos.ts';
import { chaosPort } from '../testing/chaos/chaos-port.ts';
import { fixture, gate, settle } from '../testing/fixture.ts';
import { type LoggedWrite, memoryWriteLog, type WriteLog, writeBehind } from './index.ts';

/** A log that brings its writes into the truth when it is told to. */
function logByHand(truth: Map<string, string>) {
  const waiting: LoggedWrite[] = [];
  let due = gate();
  const log: WriteLog & { room: boolean } = {
    room: true,
    publish(write) {
      if (log.room) waiting.push(write);
      return log.room;
    },
    flush: ({ signal } = {}) =>
      waiting.length === 0
        ? Promise.resolve()
        : Promise.race([
            due.promise,
            new Promise<void>((_, reject) => {
              signal?.addEventListener('abort', () => reject(new StoreUnavailableError('flush')));
            }),
          ]),
  };
  const apply = (): void => {
    for (const { key, text } of waiting.splice(0)) {
      if (text === undefined) truth.delete(key);
      else truth.set(key, JSON.parse(text) as string);
    }
    due.resolve();
    due = gate();
  };
  return { log, apply, waiting };
}

const closing: { close(options?: { timeout: '1ms' }): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of closing.splice(0)) await each.close({ timeout: '1ms' });
});

const world = (options: { maxPending?: number } = {}) => {
  const all = fixture();
  const { log, apply, waiting } = logByHand(all.truth);
  const here = writeBehind<string>({ cache: all.a, load: all.load, log, ...options });
  const there = writeBehind<string>({ cache: all.b, load: all.load, log, ...options });
  closing.push(here, there);
  return { ...all, log, apply, waiting, here, there };
};

describe('writeBehind', () => {
  test('G5: a write shows here from the call on, and elsewhere once it has resolved', async () => {
    const { here, there, truth, store } = world();
    truth.set('k', 'old');
    await Promise.all([here.get('k'), there.get('k')]);
    const held = gate();
    store.before = () => held.promise;
    const writing = here.put('k', 'new');
    expect(await here.look('k')).toEqual({ value: 'new', from: 'l1', negative: false });
    held.resolve();
    await writing;
    expect(await there.get('k')).toBe('new');
    expect(truth.get('k')).toBe('old');
  });

  test('a value that nobody has cached any more still shows here while it is on its way', async () => {
    const { here, store, clock, truth, busB } = world();
    truth.set('k', 'old');
    await here.put('k', 'new');
    store.flush();
    clock.advanceMs(3_600_000);
    busB.restore();
    expect(await here.get('k')).toBe('new');
    await here.remove('k');
    store.flush();
    expect(await here.look('k')).toMatchObject({ value: undefined, negative: true });
  });

  test('G5: once the truth has it nobody answers what another instance had loaded before', async () => {
    const { here, there, store, truth, apply } = world();
    truth.set('k', 'old');
    await here.put('k', 'new');
    // L2 loses it, and another instance reads the truth too early.
    store.flush();
    expect(await there.get('k')).toBe('old');
    await settle();
    apply();
    await here.flush();
    expect([await here.get('k'), await there.get('k')]).toEqual(['new', 'new']);
    await until(() => here.stats().pending === 0);
  });

  test('what the truth refused is not believed for longer than it took to refuse it', async () => {
    const { here, there, truth, waiting, apply } = world();
    truth.set('k', 'old');
    await here.put('k', 'refused');
    waiting.length = 0;
    apply();
    await until(() => here.stats().pending === 0);
    expect([await here.get('k'), await there.get('k')]).toEqual(['old', 'old']);
  });

  test('a key that is put again while its first value is written goes on showing the second', async () => {
    const { here, there, truth, apply, waiting, store } = world();
    await here.put('k', 'one');
    const held = gate();
    store.before = (operation) => (operation === 'invalidate' ? held.promise : undefined);
    apply();
    const flushing = here.flush();
    await settle();
    await here.put('k', 'two');
    held.resolve();
    await flushing;
    expect(truth.get('k')).toBe('one');
    expect(waiting).toHaveLength(1);
    expect([await here.get('k'), await there.get('k')]).toEqual(['two', 'two']);
    expect(here.stats().pending).toBe(1);
  });

  test('G5: a value that is slow to get into the store does not outlast the one that was put after it', async () => {
    const { here, there, truth, apply, store } = world();
    const held = gate();
    let first = true;
    store.before = (operation) => {
      if (operation !== 'replace' || !first) return undefined;
      first = false;
      return held.promise;
    };
    const puts = [here.put('k', 'one'), here.put('k', 'two'), here.put('k', 'three')];
    apply();
    const flushing = here.flush();
    await settle();
    held.resolve();
    await Promise.all([...puts, flushing]);
    await settle();
    expect(truth.get('k')).toBe('three');
    expect(here.stats().pending).toBe(0);
    expect([await here.get('k'), await there.get('k')]).toEqual(['three', 'three']);
    expect(store.log.filter((line) => line === 'replace k')).toHaveLength(2);
  });

  test('a cache that fails holds up neither the writes nor those that come after', async () => {
    const { a, load, log, apply, truth, there } = world();
    const chaos = createChaos({ seed: 1, weather: { refuse: 1 } });
    const over = writeBehind<string>({ cache: chaosPort(a, chaos), load, log });
    closing.push(over);
    const puts = ['one', 'two', 'three'].map((value) => over.put('k', value));
    const outcomes = await Promise.allSettled(puts);
    expect(outcomes.map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
    expect(await over.get('k')).toBe('three');
    apply();
    chaos.weather = {};
    await until(() => over.stats().pending === 0);
    expect(truth.get('k')).toBe('three');
    expect([await over.get('k'), await there.get('k')]).toEqual(['three', 'three']);
  });

  test('G7: beyond its bound, or when the log has no room, a write is refused whole, and a bound says so', async () => {
    const { here, log, waiting } = world({ maxPending: 2 });
    const bounds: unknown[] = [];
    const listen = (message: unknown) => void bounds.push(message);
    subscribe('spillway:cache:bound', listen);
    await here.put('a', '1');
    await here.put('b', '1');
    await expect(here.put('c', '1')).rejects.toThrow(OverloadedError);
    await here.put('b', '2');
    log.room = false;
    await expect(here.put('b', '3')).rejects.toThrow(OverloadedError);
    unsubscribe('spillway:cache:bound', listen);
    expect([await here.get('b'), await here.get('c')]).toEqual(['2', undefined]);
    expect(waiting.map(({ key }) => key)).toEqual(['a', 'b', 'b']);
    expect(here.stats()).toEqual({ pending: 2, accepted: 3, refused: 2 });
    expect(bounds).toEqual(Array(2).fill({ cache: 'test', bound: 'pending-writes' }));
  });

  test('what it can not write, and wrong options, are told before anything is written', async () => {
    const { here, a, load, log, waiting } = world();
    await expect(here.put('k', (() => 1) as never)).rejects.toThrow(UnsupportedValueError);
    await expect(here.put(7 as never, 'v')).rejects.toThrow('write e.g. String(id)');
    await expect(here.put('k', 'v', { ttl: 'soon' as '1s' })).rejects.toThrow('"soon"');
    expect(waiting).toEqual([]);
    expect(() => writeBehind({ cache: a, load, log, maxPending: 0 })).toThrow('maxPending: must be an integer >= 1');
  });

  test('closed, it takes no more, and has waited for the truth', async () => {
    const { here, truth, apply } = world();
    await here.put('k', 'v');
    const closed = here.close();
    await expect(here.put('k', 'w')).rejects.toThrow(StoreUnavailableError);
    apply();
    await closed;
    expect([truth.get('k'), here.stats().pending]).toEqual(['v', 0]);
  });
});

describe('memoryWriteLog', () => {
  test('writes one value per key, the last, in batches, in the order of the keys', async () => {
    const batches: string[][] = [];
    const log = memoryWriteLog<number>({
      maxBatch: 3,
      every: '5ms',
      write: async (writes) => void batches.push(writes.map(({ key, value }) => `${key}${value ?? '-'}`)),
    });
    for (let n = 1; n <= 100; n += 1) log.publish({ key: `k${n % 4}`, text: String(n) });
    log.publish({ key: 'k0' });
    expect(log.size).toBe(4);
    await log.flush();
    expect(batches).toEqual([['k197', 'k298', 'k399'], ['k0-']]);
    expect(log.size).toBe(0);
  });

  test('tries again what failed, never with an older value over a newer, and gives nothing up by itself', async () => {
    const truth = new Map<string, unknown>();
    const failing = gate();
    let tries = 0;
    const log = memoryWriteLog<string>({
      every: '0s',
      write: async (writes) => {
        tries += 1;
        if (tries === 1) await failing.promise;
        for (const { key, value } of writes) truth.set(key, value);
      },
    });
    log.publish({ key: 'a', text: '"old"' });
    log.publish({ key: 'b', text: '"b"' });
    await until(() => tries === 1);
    log.publish({ key: 'a', text: '"new"' });
    failing.reject(new Error('away'));
    await log.flush();
    expect(truth).toEqual(new Map([['a', 'new'], ['b', 'b']])); // biome-ignore format: a row each
  });

  test('drops what is refused alone, when it is told so, and writes the others', async () => {
    const truth = new Map<string, unknown>();
    const dropped: string[] = [];
    const log = memoryWriteLog<string>({
      every: '0s',
      write: async (writes) => {
        if (writes.some(({ value }) => value === 'bad')) throw new Error('check violated');
        for (const { key, value } of writes) truth.set(key, value);
      },
      refused: ({ key }) => {
        dropped.push(key);
        return 'drop';
      },
    });
    for (const key of ['a', 'b', 'c', 'd', 'e']) log.publish({ key, text: key === 'd' ? '"bad"' : '"good"' });
    await log.flush({ signal: AbortSignal.timeout(5_000) });
    expect([dropped, [...truth.keys()]]).toEqual([['d'], ['a', 'b', 'c', 'e']]);
  });

  test('G7: refuses beyond its bound, and a flush that is ended says so', async () => {
    const log = memoryWriteLog({ maxWrites: 2, every: '0s', write: () => new Promise(() => undefined) });
    expect(['a', 'b', 'c', 'b'].map((key) => log.publish({ key }))).toEqual([true, true, false, true]);
    await expect(log.flush({ signal: AbortSignal.timeout(10) })).rejects.toThrow(StoreUnavailableError);
    await expect(log.flush({ signal: AbortSignal.abort() })).rejects.toThrow(StoreUnavailableError);
    await expect(log.close({ timeout: '10ms' })).rejects.toThrow(StoreUnavailableError);
    expect(log.publish({ key: 'a' })).toBe(false);
    expect(() => memoryWriteLog({ write: async () => undefined, maxBatch: 0, every: 'soon' as '1s' })).toThrow(
      /maxBatch: must be an integer >= 1, got 0\n.*every: .*"soon"/,
    );
  });

  test('a flush ends though its key is put again and again', async () => {
    let written = 0;
    const log = memoryWriteLog<number>({
      every: '0s',
      write: async (writes) => {
        written = writes[0]?.value ?? 0;
        log.publish({ key: 'hot', text: String(written + 1) });
      },
    });
    log.publish({ key: 'hot', text: '1' });
    await log.flush({ signal: AbortSignal.timeout(5_000) });
    expect(written).toBeGreaterThanOrEqual(1);
    await log.close({ timeout: '5s' });
  });
});
