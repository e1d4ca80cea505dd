import { describe, expect, test } from 'vitest';
import { invalidateChannel } from './channels.ts';
import { fixture, gate, settle } from './testing/fixture.ts';

const user7 = { tags: ['user:7'] };

describe('invalidation by tag', () => {
  test('G5: after it, no instance has anything under the tag in any tier, and everything else', async () => {
    const { a, b, truth, load } = fixture();
    for (const key of ['profile', 'orders', 'other']) truth.set(key, 'old');
    const read = async () => {
      for (const cache of [a, b]) {
        await cache.get('profile', load, user7);
        await cache.get('orders', load, { tags: ['orders', 'user:7'] });
        await cache.get('other', load, { tags: ['user:8'] });
        await settle();
      }
    };
    await read();
    for (const key of ['profile', 'orders', 'other']) truth.set(key, 'new');
    expect(await a.invalidate({ tags: ['user:7'] })).toBe('deleted');
    for (const cache of [a, b]) {
      expect(cache.peek('profile')).toBeUndefined();
      expect(cache.peek('orders')).toBeUndefined();
      expect(cache.peek('other')).toMatchObject({ value: 'old', state: 'fresh' });
    }
    expect(await b.look('profile', load, user7)).toMatchObject({ value: 'new', from: 'loader' });
    await settle();
    expect(await a.look('profile', load, user7)).toMatchObject({ value: 'new', from: 'l2' });
    expect(await a.get('orders', load, { tags: ['orders', 'user:7'] })).toBe('new');
    expect((await b.look('other', load)).value).toBe('old');
  });

  test('a hit in L2 is under the tags of its load, whoever reads it', async () => {
    const { a, b, truth, load } = fixture();
    truth.set('k', 'old');
    await a.get('k', load, user7);
    await settle();
    expect(await b.look('k', load)).toMatchObject({ value: 'old', from: 'l2' });
    truth.set('k', 'new');
    await a.invalidate({ tags: ['user:7'] });
    expect(b.peek('k')).toBeUndefined();
    expect(await b.get('k', load)).toBe('new');
  });

  test('G5: a load that read the old row and was overtaken puts it back nowhere, and its waiters get the new one', async () => {
    const { a, b, truth, load } = fixture();
    truth.set('k', 'old');
    const read = gate();
    const slow = async (key: string) => {
      const row = truth.get(key);
      await read.promise;
      return row;
    };
    const waiting = a.get('k', slow, user7);
    await settle();
    truth.set('k', 'new');
    await b.invalidate({ tags: ['user:7'] });
    expect(await a.get('k', load, user7)).toBe('new');
    read.resolve();
    expect(await waiting).toBe('new');
    await settle();
    expect(a.peek('k')?.value).toBe('new');
    expect(await b.get('k', load, user7)).toBe('new');
    expect(a.stats().flights).toBe(0);
  });

  test('G5: a load overtaken in another process, whose bus is silent, leaves nothing valid in L2', async () => {
    const { a, b, busA, truth, load } = fixture();
    busA.cut();
    truth.set('k', 'old');
    const read = gate();
    const waiting = a.get(
      'k',
      async (key) => {
        const row = truth.get(key);
        await read.promise;
        return row;
      },
      user7,
    );
    await settle();
    truth.set('k', 'new');
    await b.invalidate({ tags: ['user:7'] });
    // The tag has a record again before the fill arrives.
    await b.get('another', load, user7);
    read.resolve();
    await waiting;
    await settle();
    expect(await b.look('k', load, user7)).toMatchObject({ value: 'new', from: 'loader' });
    busA.restore();
    expect(await a.get('k', load, user7)).toBe('new');
  });

  test('G5: a message that arrives while the records are being read keeps the old value out of L1', async () => {
    const { a, b, store, truth, load } = fixture();
    truth.set('k', 'old');
    await b.get('k', load, user7);
    await settle();
    const answer = gate();
    store.after = (operation) => (operation === 'readTags' ? answer.promise : undefined);
    // It has not heard of the tag before the entry names it.
    const waiting = a.get('k', load);
    await settle();
    truth.set('k', 'new');
    await b.invalidate({ tags: ['user:7'] });
    store.after = () => undefined;
    answer.resolve();
    expect(await waiting).toBe('new');
    expect(a.peek('k')?.value).toBe('new');
  });

  test('G5: the refresh of a stale entry that was overtaken does not put it back', async () => {
    const { a, b, busA, clock, truth, load } = fixture();
    truth.set('k', 'old');
    await a.get('k', load, user7);
    await settle();
    clock.advanceMs(61_000);
    busA.cut();
    const read = gate();
    const waiting = a.get(
      'k',
      async (key) => {
        const row = truth.get(key);
        await read.promise;
        return row;
      },
      user7,
    );
    await settle();
    truth.set('k', 'new');
    await b.invalidate({ tags: ['user:7'] });
    read.resolve();
    await waiting;
    await settle();
    expect(await b.look('k', load, user7)).toMatchObject({ value: 'new', from: 'loader' });
  });

  test('G5: what is under a record that was evicted is not used, and does not come back with the next record', async () => {
    const { a, b, store, truth, load } = fixture();
    truth.set('k', 'old');
    await a.get('k', load, user7);
    await settle();
    store.evictTag('test', 'user:7');
    truth.set('k', 'new');
    await a.get('another', load, user7);
    await settle();
    expect(await b.look('k', load, user7)).toMatchObject({ value: 'new', from: 'loader' });
  });

  test('G5: a flush of L2 during a load refuses its fill, and what a copy of L1 was under is gone', async () => {
    const { a, store, truth } = fixture();
    truth.set('k', 'old');
    const read = gate<string>();
    const waiting = a.get('k', () => read.promise, user7);
    await settle();
    store.flush();
    read.resolve('old');
    await waiting;
    await settle();
    expect(store.size).toBe(0);
    expect(a.peek('k')?.state).toBe('stale');
  });

  test('a negative entry is under its tags, too', async () => {
    const { a, b, truth, load } = fixture();
    for (const cache of [a, b]) await cache.get('k', load, user7);
    await settle();
    expect((await b.look('k', load, user7)).negative).toBe(true);
    truth.set('k', 'made');
    await b.invalidate({ tags: ['user:7'] });
    for (const cache of [a, b]) expect(await cache.get('k', load, user7)).toBe('made');
  });

  test('a value that was set is under its tags, and an invalidation during the set wins', async () => {
    const { a, b, store, truth, load } = fixture();
    truth.set('k', 'new');
    await a.set('k', 'set', user7);
    expect(a.peek('k')).toMatchObject({ value: 'set', state: 'fresh' });
    expect(await b.look('k', load)).toMatchObject({ value: 'set', from: 'l2' });
    const answer = gate();
    store.before = (operation) => (operation === 'fill' ? answer.promise : undefined);
    const setting = a.set('k', 'older', user7);
    await settle();
    await b.invalidate({ tags: ['user:7'] });
    answer.resolve();
    await setting;
    for (const cache of [a, b]) expect(await cache.get('k', load, user7)).toBe('new');
  });

  test('after an expiry the old value stands in when nobody answers, after an invalidation it does not', async () => {
    for (const how of ['expire', 'invalidate'] as const) {
      const { a, b, create, store, truth, load } = fixture({ staleOnError: () => true });
      truth.set('k', 'old');
      for (const cache of [a, b]) {
        await cache.get('k', load, user7);
        await settle();
      }
      await b[how]({ tags: ['user:7'] });
      const fail = async () => {
        throw new Error('away');
      };
      if (how === 'expire') {
        // From L1, and from L2 where there is no copy in L1.
        for (const cache of [a, b, create()]) {
          expect(await cache.look('k', fail, user7)).toMatchObject({ value: 'old', from: 'stale' });
        }
      } else for (const cache of [a, b, create()]) await expect(cache.look('k', fail, user7)).rejects.toThrow('away');
      store.turn('down');
      const alone = a.look('k', fail, user7);
      if (how === 'expire') expect(await alone).toMatchObject({ from: 'stale' });
      else await expect(alone).rejects.toThrow('away');
    }
  });

  test('G5: an instance that missed an invalidation lets no older copy stand in once it has asked L2', async () => {
    const { a, b, busA, clock, truth, load } = fixture({ staleOnError: () => true });
    truth.set('k', 'old');
    await a.get('k', load, user7);
    await settle();
    busA.cut();
    await b.invalidate({ tags: ['user:7'] });
    clock.advanceMs(61_000);
    const fail = async () => {
      throw new Error('away');
    };
    await expect(a.look('k', fail, user7)).rejects.toThrow('away');
    expect(a.peek('k')).toBeUndefined();
  });

  test('G5: a copy does not stand in after the invalidation of a tag that only its own load named', async () => {
    for (const fate of ['kept', 'evicted']) {
      const { a, clock, store, truth, load } = fixture({ staleOnError: () => true, l1: { maxEntries: 1 } });
      truth.set('k', 'old');
      await a.get('k', load, user7);
      await settle();
      store.turn('down');
      clock.advanceMs(61_000);
      const failed = gate<string>();
      const waiting = a.look('k', () => failed.promise);
      await settle();
      if (fate === 'evicted') await a.set('another', 'v');
      expect(a.stats().l1.entries).toBe(1);
      await a.invalidate({ tags: ['user:7'] });
      failed.reject(new Error('away'));
      await expect(waiting).rejects.toThrow('away');
    }
  });

  test('the hit of an entry under no tags asks for no record, and one under two costs one round trip more', async () => {
    const { a, b, store, truth, load } = fixture();
    for (const key of ['plain', 'k']) truth.set(key, 'v');
    await a.get('plain', load);
    await a.get('k', load, { tags: ['x', 'y'] });
    await settle();
    store.log.length = 0;
    await b.get('plain', load);
    expect(store.log).toEqual(['read plain']);
    store.log.length = 0;
    await b.get('k', load, { tags: ['x', 'y'] });
    expect(store.log).toEqual(['read k', 'readTags x,y']);
  });

  test('a record outlives what is under it, also where that lives longer than usual', async () => {
    const { a, create, clock, truth, load } = fixture({ staleIfError: '0s', l1: 'off' });
    truth.set('k', 'v');
    await a.get('k', load, { tags: ['t'], ttl: '10d' });
    await a.get('k2', load, { tags: ['t'], ttl: '1s' });
    await settle();
    clock.advanceMs(9 * 86_400_000);
    expect((await create().look('k', load, { tags: ['t'] })).from).toBe('l2');
  });

  test('channels and stats tell of tags', async () => {
    const { a, truth, load } = fixture();
    truth.set('k', 'v');
    const heard: unknown[] = [];
    const listen = (message: unknown) => void heard.push(message);
    invalidateChannel.subscribe(listen);
    await a.get('k', load, { tags: ['x', 'y'] });
    expect(a.stats().l1.tags).toBe(2);
    await a.expire({ tags: ['x'] });
    invalidateChannel.unsubscribe(listen);
    expect(heard).toContainEqual({ cache: 'test', keys: 0, tags: 1, origin: 'local', store: 'deleted' });
    expect(heard).toContainEqual({ cache: 'test', keys: 0, tags: 1, origin: 'bus', store: 'off' });
    await a.close();
    expect(a.stats().l1.tags).toBe(0);
  });

  test('G7: nothing is left of the tags of look-ups that have ended, however they did', async () => {
    const { a, store, truth, load } = fixture({ l1: 'off' });
    truth.set('k', 'v');
    await a.get('k', load, user7);
    await settle();
    await a.get('k', load, user7);
    await expect(
      a.get('none', () => Promise.reject(new Error('no')), { tags: Array.from({ length: 16 }, (_, i) => `t${i}`) }),
    ).rejects.toThrow('no');
    const failed = gate<string>();
    const overtaken = a.get('other', () => failed.promise, user7);
    await settle();
    await a.invalidate(user7);
    failed.reject(new Error('no'));
    await expect(overtaken).rejects.toThrow('no');
    expect(a.stats().flights).toBe(0);
    store.turn('down');
    await a.get('k', load, user7);
    await a.set('k', 'w', user7);
    await settle();
    expect(a.stats()).toMatchObject({ flights: 0, l1: { tags: 0 } });
  });
});

describe('wrong tags are refused, with what to do', () => {
  const wrong: [unknown, string][] = [
    [(value: string) => [value], 'got a function'],
    ['user:7', 'Tags are a list of strings, got string'],
    [[7], 'A tag is a string, got number'],
    [[''], 'must not be empty'],
    [['x'.repeat(257)], 'at most 256 characters, got 257'],
    [Array.from({ length: 17 }, (_, i) => `t${i}`), 'at most 16 tags, got 17'],
  ];
  test.each(wrong)('%o', async (tags, message) => {
    const { a, load, loads } = fixture();
    const options = { tags } as { tags: string[] };
    await expect(a.get('k', load, options)).rejects.toThrow(message);
    expect(loads()).toBe(0);
    await a.set('k', 'kept');
    await expect(a.set('k', 'v', options)).rejects.toThrow(message);
    expect(a.peek('k')?.value).toBe('kept');
    if (!message.startsWith('at most 16')) {
      await expect(a.invalidate(options)).rejects.toThrow(message);
    }
    expect(a.stats().l1.tags).toBe(0);
  });

  test('any number may be invalidated at a time, and any characters may be in one', async () => {
    const { a, truth, load } = fixture();
    truth.set('k', 'old');
    const hostile = ['__proto__', 'constructor', 'a,b', '\ud800', ' '];
    await a.get('k', load, { tags: hostile });
    await settle();
    truth.set('k', 'new');
    await a.invalidate({ tags: [...Array.from({ length: 2_000 }, (_, i) => `t${i}`), '\ud800'] });
    expect(await a.get('k', load)).toBe('new');
    expect(await a.get('k', load, { tags: [] })).toBe('new');
  });
});
