import { describe, expect, test } from 'vitest';
import type { CacheSpace, LeaseSpace, LeaseTerms, StoreFill } from '../store.ts';
import type { CacheStoreSuiteOptions } from './cache-store-suite.ts';

const terms: LeaseTerms = { leaseMs: 10_000, claimMs: 20_000 };

/** What the leases of a `CacheStore` have to do, where it has some. */
export function leaseSuite({ name, create, pass }: CacheStoreSuiteOptions): void {
  const open = async (): Promise<{ space: CacheSpace; leases: LeaseSpace }> => {
    const { store, name: cache } = await create();
    const space = store.open(cache);
    if (space.leases === undefined) throw new Error(`${name} has no leases; say so by \`leases: 'none'\``);
    return { space, leases: space.leases };
  };
  const filling = (token: string, more: Partial<StoreFill> = {}): StoreFill => ({
    token,
    text: 'v',
    freshForMs: 60_000,
    keepForMs: 120_000,
    loadedAgoMs: 0,
    ...more,
  });
  const taken = async (leases: LeaseSpace, key: string, seen?: string, leaseMs = terms.leaseMs): Promise<string> => {
    const read = await leases.take(key, seen, { ...terms, leaseMs });
    if (read.kind !== 'leased') throw new Error(`the lease on ${key} was not given, but ${JSON.stringify(read)}`);
    return read.token;
  };

  describe(`${name}: leases`, () => {
    test('of many who ask one gets the lease, the others who has it and for how long', async () => {
      const { store, name: cache } = await create();
      const take = () => store.open(cache).leases?.take('k', undefined, terms);
      const all = (await Promise.all(Array.from({ length: 10 }, take))).filter((read) => read !== undefined);
      const [first, ...more] = all.filter(({ kind }) => kind === 'leased');
      expect(more).toEqual([]);
      for (const read of all) {
        if (read === first) continue;
        expect(read).toMatchObject({ kind: 'loading', token: first && 'token' in first ? first.token : '' });
        if (read.kind !== 'loading') continue;
        expect(read.leftMs).toBeGreaterThan(0);
        expect(read.leftMs).toBeLessThanOrEqual(terms.leaseMs);
      }
    });

    test('the lease’s token fills; then there is nothing to wait for', async () => {
      const { space, leases } = await open();
      const token = await taken(leases, 'k');
      expect(await space.fill('k', filling(token))).toBe('filled');
      expect(await leases.take('k', undefined, terms)).toMatchObject({ kind: 'value', text: 'v' });
      expect(await leases.look('k', terms)).toMatchObject({ kind: 'value', text: 'v' });
    });

    test('fencing: who has lost the lease to another fills no more, whatever the key held', async () => {
      const { space, leases } = await open();
      const held = {
        nothing: async () => undefined,
        claim: async (key: string) => (await space.claim(key, 60_000)).token,
        deletion: async (key: string) => (await space.replace(key, 60_000)).token,
        value: async (key: string) => {
          const claim = await space.claim(key, 60_000);
          await space.fill(key, filling(claim.token, { freshForMs: 0, text: 'stale' }));
          const read = await space.read(key);
          return read.kind === 'absent' ? undefined : read.token;
        },
      };
      for (const [key, plant] of Object.entries(held)) {
        const first = await taken(leases, key, await plant(key), 100);
        await pass(150);
        const second = await taken(leases, key, first);
        expect([key, await space.fill(key, filling(first, { text: 'late' }))]).toEqual([key, 'refused']);
        expect([key, await leases.renew(key, first, 10_000)]).toEqual([key, 'lost']);
        expect([key, await leases.release(key, first, 'unfilled')]).toEqual([key, 'lost']);
        expect([key, await space.fill(key, filling(second))]).toEqual([key, 'filled']);
        expect(await space.read(key)).toMatchObject({ kind: 'value', text: 'v' });
      }
    });

    test('what is stale or deleted stays so under a lease', async () => {
      const { space, leases } = await open();
      const claim = await space.claim('stale', 60_000);
      await space.fill('stale', filling(claim.token, { freshForMs: 0, text: 'old' }));
      const stale = await space.read('stale');
      if (stale.kind !== 'value') throw new Error(stale.kind);
      const token = await taken(leases, 'stale', stale.token);
      expect(await space.read('stale')).toMatchObject({ kind: 'value', text: 'old', token });
      // Who read before the lease was taken is told what is there now, and asks again.
      expect(await leases.take('stale', stale.token, terms)).toMatchObject({ kind: 'value', token });
      expect(await leases.take('stale', token, terms)).toMatchObject({ kind: 'loading', token });
      const { token: mark } = await space.replace('deleted', 60_000);
      const other = await taken(leases, 'deleted', mark);
      expect(await space.read('deleted')).toEqual({ kind: 'deleted', token: other });
    });

    test('a lease that is renewed lasts, one that is not ends', async () => {
      const { leases } = await open();
      const token = await taken(leases, 'k', undefined, 400);
      await pass(250);
      expect(await leases.renew('k', token, 400)).toBe('renewed');
      await pass(250);
      expect(await leases.take('k', undefined, terms)).toMatchObject({ kind: 'loading', token });
      await pass(250);
      expect(await leases.renew('k', token, 400)).toBe('lost');
      expect(await taken(leases, 'k')).not.toBe(token);
    });

    test('whoever releases hears whether somebody waits, renewals between or not', async () => {
      const { leases } = await open();
      expect(await leases.release('k', await taken(leases, 'k'), 'unfilled')).toBe('unwaited');
      const token = await taken(leases, 'k');
      await leases.take('k', undefined, terms);
      await leases.renew('k', token, 10_000);
      expect(await leases.release('k', token, 'unfilled')).toBe('waited');
      expect(await leases.release('k', token, 'unfilled')).toBe('lost');
      await taken(leases, 'k');
    });

    test('whoever has filled hears whether somebody waited', async () => {
      const { space, leases } = await open();
      for (const [key, waiters] of Object.entries({ alone: 0, awaited: 2 })) {
        const token = await taken(leases, key);
        for (let i = 0; i < waiters; i += 1) await leases.take(key, undefined, terms);
        await space.fill(key, filling(token));
        expect(await leases.release(key, token, 'filled')).toBe(waiters > 0 ? 'waited' : 'unwaited');
        expect(await leases.release(key, 'another token 16', 'filled')).toBe('lost');
        // It is over: the next one has the key to load, were it not there.
        await space.invalidate([key], 0);
        await taken(leases, key);
      }
    });

    test('G5: an invalidation ends the lease with its token: the next one loads at once', async () => {
      const { space, leases } = await open();
      const token = await taken(leases, 'k');
      await space.invalidate(['k'], 60_000);
      expect(await leases.renew('k', token, 10_000)).toBe('lost');
      const deleted = await leases.take('k', undefined, terms);
      if (deleted.kind !== 'deleted') throw new Error(deleted.kind);
      const next = await taken(leases, 'k', deleted.token);
      expect(await space.fill('k', filling(token))).toBe('refused');
      expect(await space.fill('k', filling(next))).toBe('filled');
    });

    test('a look answers as a read does, where misses are usual, too', async () => {
      const { space, leases } = await open();
      for (let i = 0; i < 50; i += 1) {
        const read = await leases.look(`k${i}`, terms);
        const token = read.kind === 'leased' ? read.token : await taken(leases, `k${i}`);
        expect(await leases.take(`k${i}`, token, terms)).toMatchObject({ kind: 'loading', token });
        expect(await space.fill(`k${i}`, filling(token, { text: `${i}` }))).toBe('filled');
        expect(await leases.look(`k${i}`, terms)).toMatchObject({ kind: 'value', text: `${i}` });
      }
    });
  });
}
