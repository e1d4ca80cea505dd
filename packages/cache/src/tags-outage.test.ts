import { until } from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { createCache } from './create-cache.ts';
import { type Fixture, fixture, gate, settle } from './testing/fixture.ts';

const under = { tags: ['t'] };

/** The old value in all tiers of both. */
async function warm({ a, b, truth, load }: Fixture, options: { readonly tags: string[] } = under): Promise<void> {
  truth.set('k', 'old');
  for (const cache of [a, b]) {
    await cache.get('k', load, options);
    await settle();
  }
}

const failing = (): Promise<void> => Promise.reject(new Error('gone'));

describe('a tag that is invalidated while L2 is away', () => {
  test('G5: is pending, lets no old value rise again, and is made up for', async () => {
    const all = fixture({ l1: 'off' });
    const { a, b, busA, store, truth, load, clock } = all;
    await warm(all);
    store.before = failing;
    truth.set('k', 'new');
    expect(await a.invalidate({ tags: ['t'] })).toBe('pending');
    expect(a.stats().l2.pendingDeletes).toBe(1);
    store.before = () => undefined;
    // Neither who asked for it nor who heard of it believes what is under it, nor puts anything there.
    for (const cache of [a, b])
      expect(await cache.look('k', load, under)).toMatchObject({ value: 'new', from: 'loader' });
    expect(a.stats().l2.filled).toBe(1);
    busA.sent.length = 0;
    await until(() => a.stats().l2.pendingDeletes === 0);
    expect(busA.sent).toEqual([expect.stringContaining('"replayed","tags":["t"]')]);
    for (const cache of [a, b]) expect(cache.stats().l2.suspects).toBe(0);
    clock.advanceMs(2_000);
    expect(await b.look('k', load, under)).toMatchObject({ value: 'new', from: 'loader' });
    await settle();
    expect((await a.look('k', load, under)).from).toBe('l2');
  });

  test('G4: who had heard of it keeps what it has read from the truth meanwhile', async () => {
    const all = fixture();
    const { a, b, busA, store, truth, load } = all;
    await warm(all);
    store.before = failing;
    truth.set('k', 'new');
    expect(await a.invalidate({ tags: ['t'] })).toBe('pending');
    expect(await b.get('k', load, under)).toBe('new');
    const said = busA.sent.length;
    store.before = () => undefined;
    await until(() => a.stats().l2.pendingDeletes === 0);
    expect(busA.sent.length).toBe(said + 1);
    expect(b.peek('k')).toMatchObject({ value: 'new', state: 'fresh' });
  });

  test('G5: who missed that it was pending drops what it has when it is made up for', async () => {
    const all = fixture();
    const { a, b, busB, store, truth, load } = all;
    await warm(all);
    store.before = failing;
    busB.live = false;
    truth.set('k', 'new');
    await a.invalidate({ tags: ['t'] });
    busB.live = true;
    expect(b.peek('k')?.value).toBe('old');
    store.before = () => undefined;
    await until(() => a.stats().l2.pendingDeletes === 0);
    expect(b.peek('k')).toBeUndefined();
    expect(await b.get('k', load, under)).toBe('new');
  });

  test('an expiry that is pending after an invalidation does what that one had to', async () => {
    const all = fixture({ staleOnError: () => true });
    const { a, create, store, truth } = all;
    await warm(all);
    store.before = failing;
    truth.set('k', 'new');
    await a.invalidate({ tags: ['t'] });
    expect(await a.expire({ tags: ['t'] })).toBe('pending');
    store.before = () => undefined;
    await until(() => a.stats().l2.pendingDeletes === 0);
    await expect(create().look('k', () => Promise.reject(new Error('away')), under)).rejects.toThrow('away');
  });

  test('G5, G7: of more than 10,000 nobody knows which: everything in L2 is disowned, here and elsewhere', async () => {
    const all = fixture();
    const { a, b, create, clock, store, truth, load } = all;
    const tags = (i: number) => ({ tags: [`t${i}`] });
    await warm(all, tags(10_500));
    store.before = failing;
    truth.set('k', 'new');
    await a.invalidate({ tags: Array.from({ length: 10_600 }, (_, i) => `t${i}`) });
    expect(a.stats().l2.pendingDeletes).toBe(10_000);
    store.before = () => undefined;
    clock.advanceMs(1);
    await until(() => a.stats().l2.pendingDeletes === 0);
    clock.advanceMs(1);
    for (const cache of [b, a, create()]) expect(await cache.get('k', load, tags(10_500))).toBe('new');
  });

  test('G5: what was read in between, under a tag for which there was no room, is dropped again', async () => {
    const all = fixture();
    const { a, store, clock, truth, load } = all;
    await warm(all);
    store.before = failing;
    await a.invalidate({ tags: Array.from({ length: 10_000 }, (_, i) => `t${i}`) });
    const answered = gate();
    store.before = (operation) => (operation === 'outdateTags' ? answered.promise : undefined);
    truth.set('k', 'new');
    const invalidating = a.invalidate({ tags: ['t'] });
    expect(await a.look('k', load, under)).toMatchObject({ value: 'old', from: 'l2' });
    answered.reject(new Error('gone'));
    expect(await invalidating).toBe('pending');
    expect(a.peek('k')).toBeUndefined();
    store.before = () => undefined;
    clock.advanceMs(1);
    expect(await a.get('k', load, under)).toBe('new');
  });

  test('while the store is down nothing under tags is asked for there, and all is as without it', async () => {
    const all = fixture();
    const { a, store, clock, truth, load } = all;
    await warm(all);
    store.turn('down');
    store.before = failing;
    store.log.length = 0;
    clock.advanceMs(61_000);
    truth.set('k', 'new');
    expect(await a.look('k', load, under)).toMatchObject({ value: 'new', from: 'loader' });
    expect(a.peek('k')?.state).toBe('fresh');
    expect(await a.invalidate({ tags: ['t'] })).toBe('pending');
    expect(a.peek('k')).toBeUndefined();
    expect(store.log).toEqual(['outdateTags t']);
  });

  test('G4: a store that knows nothing of tags, or fails on them, costs its answers only', async () => {
    for (const operation of ['readTags', 'claimTags']) {
      const all = fixture({ l1: 'off' });
      const { a, store, truth, load } = all;
      await warm(all);
      store.before = (each) => (each === operation ? failing() : undefined);
      if (operation === 'claimTags') store.flush();
      truth.set('k', 'new');
      const { filled } = a.stats().l2;
      expect(await a.look('k', load, under)).toMatchObject({ value: 'new', from: 'loader' });
      await settle();
      expect(a.stats().l2.filled).toBe(filled);
      expect(a.stats().l2.errors).toBeGreaterThan(0);
    }
  });

  test('without L2 the bus alone tells of tags', async () => {
    const all = fixture();
    const { busA, busB, truth, load } = all;
    const [one, other] = [busA, busB].map((bus) => createCache<string>({ name: 'alone', ttl: '1m', bus }));
    truth.set('k', 'old');
    await other?.get('k', load, under);
    expect(await one?.invalidate({ tags: ['t'] })).toBe('off');
    expect(other?.peek('k')).toBeUndefined();
  });
});
