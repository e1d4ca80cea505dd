import { describe, expect, test } from 'vitest';
import type { CacheSpace, CacheStore, StoreFill } from '../store.ts';
import { leaseSuite } from './lease-suite.ts';
import { tagRecordsSuite } from './tag-records-suite.ts';

export interface CacheStoreSuiteOptions {
  readonly name: string;
  /** A store of its own for each test, or one that is shared under another name each time. */
  readonly create: () => Promise<{ readonly store: CacheStore; readonly name: string }>;
  /** Waits, or moves the clock. */
  readonly pass: (ms: number) => Promise<void>;
  /** Of a store that has no `leases`: they are not asked for. */
  readonly leases?: 'none';
}

/** What every `CacheStore` has to do, one step at a time. */
export function cacheStoreSuite(options: CacheStoreSuiteOptions): void {
  const { name, create, pass } = options;
  const open = async (): Promise<CacheSpace> => {
    const { store, name: cache } = await create();
    return store.open(cache);
  };
  const filling = (token: string, more: Partial<StoreFill> = {}): StoreFill => ({
    token,
    text: 'v',
    freshForMs: 60_000,
    keepForMs: 120_000,
    loadedAgoMs: 0,
    ...more,
  });

  describe(`${name}: the cache store`, () => {
    test('a key that nobody wrote is absent, then claimed, then filled', async () => {
      const space = await open();
      expect(await space.read('k')).toEqual({ kind: 'absent' });
      const claim = await space.claim('k', 10_000);
      expect(claim.kind).toBe('claimed');
      expect(await space.read('k')).toEqual(claim);
      expect(await space.fill('k', filling(claim.token))).toBe('filled');
      const read = await space.read('k');
      expect(read).toMatchObject({ kind: 'value', text: 'v' });
      if (read.kind !== 'value') return;
      expect(read.freshForMs).toBeGreaterThan(0);
      expect(read.freshForMs).toBeLessThanOrEqual(60_100);
      expect(read.token).not.toBe(claim.token);
    });

    test('a claim that comes second shares the token; only one of the two fills', async () => {
      const space = await open();
      const [first, second] = [await space.claim('k', 10_000), await space.claim('k', 10_000)];
      expect(second).toEqual(first);
      expect(await space.fill('k', filling(first.token))).toBe('filled');
      expect(await space.fill('k', filling(second.token, { text: 'other' }))).toBe('refused');
      expect(await space.claim('k', 10_000)).toMatchObject({ kind: 'value', text: 'v' });
    });

    test('G5: a read that may claim answers what is there, or a token that fills like any other', async () => {
      const space = await open();
      const claimed = async (key: string) => {
        const read = await space.read(key, 10_000);
        return read.kind === 'absent' ? await space.claim(key, 10_000) : read;
      };
      // So often that a store may take misses for the usual.
      for (let i = 0; i < 50; i += 1) {
        const claim = await claimed(`k${i}`);
        expect([i, claim.kind]).toEqual([i, 'claimed']);
        expect(await space.read(`k${i}`, 10_000)).toEqual(claim);
        if (i % 2 === 0) expect(await space.fill(`k${i}`, filling(claim.token, { text: `${i}` }))).toBe('filled');
        else {
          await space.invalidate([`k${i}`], 60_000);
          expect(await space.fill(`k${i}`, filling(claim.token))).toBe('refused');
        }
        const read = { kind: i % 2 === 0 ? 'value' : 'deleted', ...(i % 2 === 0 ? { text: `${i}` } : {}) };
        expect(await space.read(`k${i}`, 10_000)).toMatchObject(read);
      }
    });

    test('an undefined text is a negative entry; an empty one is a value', async () => {
      const space = await open();
      const none = await space.claim('none', 10_000);
      await space.fill('none', filling(none.token, { text: undefined }));
      expect((await space.read('none')).kind).toBe('negative');
      const empty = await space.claim('empty', 10_000);
      await space.fill('empty', filling(empty.token, { text: '' }));
      expect(await space.read('empty')).toMatchObject({ kind: 'value', text: '' });
    });

    test('G5: a touch lets the value whose token it has be fresh for longer, never shorter, and leaves the token', async () => {
      const space = await open();
      const touch = { freshForMs: 500_000, keepForMs: 600_000 };
      const claim = await space.claim('k', 10_000);
      expect(await space.touch('k', { token: claim.token, ...touch })).toBe('refused');
      await space.fill('k', filling(claim.token, { text: 'text' }));
      const before = await space.read('k');
      if (before.kind !== 'value') throw new Error('it was filled');
      const { token } = before;
      expect(await space.touch('k', { token: claim.token, ...touch })).toBe('refused');
      for (const each of [touch, { freshForMs: 1, keepForMs: 2 }]) {
        expect(await space.touch('k', { token, ...each })).toBe('touched');
        const after = await space.read('k');
        expect(after).toMatchObject({ kind: 'value', token, text: 'text' });
        if (after.kind !== 'value') return;
        expect(after.freshForMs).toBeGreaterThan(400_000);
        expect(after.freshForMs).toBeLessThanOrEqual(500_100);
      }
      expect(await space.fill('k', filling(token, { text: 'new' }))).toBe('filled');
      expect(await space.touch('k', { token, ...touch })).toBe('refused');
      await space.invalidate(['k'], 60_000);
      const deleted = await space.read('k');
      if (deleted.kind === 'absent') throw new Error('it is remembered');
      expect(await space.touch('k', { token: deleted.token, ...touch })).toBe('refused');
      expect(await space.touch('never there', { token, ...touch })).toBe('refused');
      expect(await space.read('k')).toEqual(deleted);
    });

    test('what was touched lives as long as it is to be kept', async () => {
      const space = await open();
      const claim = await space.claim('k', 10_000);
      await space.fill('k', filling(claim.token, { freshForMs: 150, keepForMs: 150 }));
      const read = await space.read('k');
      if (read.kind !== 'value') throw new Error('it was filled');
      expect(await space.touch('k', { token: read.token, freshForMs: 60_000, keepForMs: 60_000 })).toBe('touched');
      await pass(300);
      expect((await space.read('k')).kind).toBe('value');
    });

    test('G5: after an invalidation neither a claim nor a value from before it can be filled', async () => {
      const space = await open();
      const claim = await space.claim('claimed', 10_000);
      await space.invalidate(['claimed'], 60_000);
      expect(await space.fill('claimed', filling(claim.token))).toBe('refused');
      const other = await space.claim('valued', 10_000);
      await space.fill('valued', filling(other.token));
      const value = await space.read('valued');
      await space.invalidate(['valued', 'never there'], 60_000);
      if (value.kind === 'absent') throw new Error('it was filled');
      expect(await space.fill('valued', filling(value.token))).toBe('refused');
    });

    test('G5: what was invalidated is known as such, and its mark lets the next one fill', async () => {
      const space = await open();
      const claim = await space.claim('k', 10_000);
      await space.fill('k', filling(claim.token));
      await space.invalidate(['k'], 60_000);
      const deleted = await space.read('k');
      expect(deleted.kind).toBe('deleted');
      expect(await space.claim('k', 10_000)).toEqual(deleted);
      if (deleted.kind === 'absent') return;
      expect(await space.fill('k', filling(deleted.token, { text: 'new' }))).toBe('filled');
      expect(await space.read('k')).toMatchObject({ kind: 'value', text: 'new' });
    });

    test('an invalidation of nothing writes nothing, and one without memory leaves nothing', async () => {
      const space = await open();
      await space.invalidate(['never there'], 60_000);
      expect(await space.read('never there')).toEqual({ kind: 'absent' });
      const claim = await space.claim('k', 10_000);
      await space.fill('k', filling(claim.token));
      await space.invalidate(['k'], 0);
      expect(await space.read('k')).toEqual({ kind: 'absent' });
    });

    test('G5: an invalidation without memory does not forget that the key was deleted, and refuses the fill of its old mark', async () => {
      const space = await open();
      const { token } = await space.replace('k', 60_000);
      await space.invalidate(['k'], 0);
      const deleted = await space.read('k');
      expect(deleted.kind).toBe('deleted');
      expect(await space.fill('k', filling(token))).toBe('refused');
      if (deleted.kind === 'absent') return;
      expect(await space.fill('k', filling(deleted.token, { text: 'new' }))).toBe('filled');
    });

    test('G5: "there is nothing" in place of a deletion hides it while it is fresh, and does not make it forgotten', async () => {
      const space = await open();
      const nothing = (freshForMs: number) => ({ text: undefined, freshForMs, keepForMs: freshForMs });
      const deletedOnce = async (key: string, freshForMs: number) => {
        await space.claim(key, 10_000);
        await space.invalidate([key], 60_000);
        const { token } = await space.claim(key, 10_000);
        expect(await space.fill(key, filling(token, nothing(freshForMs)))).toBe('filled');
      };
      for (const key of ['k', 'again', 'expired', 'value']) await deletedOnce(key, key === 'k' ? 60_000 : 1);
      expect((await space.read('k')).kind).toBe('negative');
      await pass(150);
      const over = await space.claim('again', 10_000);
      expect(over.kind).toBe('deleted');
      expect(await space.fill('again', filling(over.token, nothing(1)))).toBe('filled');
      await space.invalidate(['expired'], 0);
      await pass(150);
      expect((await space.read('again')).kind).toBe('deleted');
      expect((await space.read('expired')).kind).toBe('deleted');
      const { token } = await space.claim('value', 10_000);
      expect(await space.fill('value', filling(token, { text: 'new' }))).toBe('filled');
      expect(await space.read('value')).toMatchObject({ kind: 'value', text: 'new' });
      // Nor is anything remembered that was not deleted.
      const none = await space.claim('none', 10_000);
      await space.fill('none', filling(none.token, nothing(60_000)));
      await space.invalidate(['none'], 0);
      expect((await space.read('none')).kind).toBe('absent');
    });

    test('a stale entry is replaced by the token that it carries itself', async () => {
      const space = await open();
      const claim = await space.claim('k', 10_000);
      await space.fill('k', filling(claim.token, { freshForMs: 0 }));
      const stale = await space.read('k');
      expect(stale).toMatchObject({ kind: 'value', text: 'v' });
      if (stale.kind !== 'value') return;
      expect(stale.freshForMs).toBeLessThanOrEqual(0);
      expect(await space.fill('k', filling(stale.token, { text: 'w' }))).toBe('filled');
      expect(await space.read('k')).toMatchObject({ text: 'w' });
    });

    test('a replacement takes the key over: older tokens are refused, its own fills', async () => {
      const space = await open();
      const claim = await space.claim('k', 10_000);
      const { token } = await space.replace('k', 60_000);
      expect(await space.fill('k', filling(claim.token))).toBe('refused');
      expect(await space.read('k')).toEqual({ kind: 'deleted', token });
      expect(await space.fill('k', filling(token, { text: 'set' }))).toBe('filled');
      const read = await space.read('k');
      expect(read).toMatchObject({ kind: 'value', text: 'set' });
      if (read.kind === 'value') expect(read.freshForMs).toBeGreaterThan(0);
    });

    test('what is put in by a store that has read nothing yet is fresh', async () => {
      const space = await open();
      const { token } = await space.replace('k', 60_000);
      expect(await space.fill('k', filling(token))).toBe('filled');
      const read = await space.read('k');
      expect(read).toMatchObject({ kind: 'value', text: 'v' });
      if (read.kind === 'value') expect(read.freshForMs).toBeGreaterThan(0);
    });

    test('what was there when all was forgotten is nothing any more, what is loaded later is', async () => {
      const { store, name: cache } = await create();
      const space = store.open(cache);
      const claim = await space.claim('k', 10_000);
      await space.fill('k', filling(claim.token));
      await space.forget();
      const disowned = await space.read('k');
      expect(disowned.kind).toBe('claimed');
      expect(await store.open(cache).read('k')).toEqual(disowned);
      if (disowned.kind === 'absent') return;
      // As late fills do: it was loaded before.
      await space.fill('k', filling(disowned.token, { loadedAgoMs: 60_000 }));
      const late = await space.read('k');
      expect(late.kind).toBe('claimed');
      await pass(250);
      if (late.kind === 'absent') return;
      await space.fill('k', filling(late.token, { text: 'new' }));
      expect(await space.read('k')).toMatchObject({ kind: 'value', text: 'new' });
    });

    test('claims, entries and marks are gone after their time', async () => {
      const space = await open();
      const claim = await space.claim('entry', 10_000);
      await space.fill('entry', filling(claim.token, { keepForMs: 50 }));
      await space.claim('claim', 50);
      const marked = await space.claim('mark', 10_000);
      expect(marked.kind).toBe('claimed');
      await space.invalidate(['mark'], 50);
      await space.replace('replaced', 50);
      await pass(200);
      for (const key of ['entry', 'claim', 'mark', 'replaced'])
        expect(await space.read(key)).toEqual({ kind: 'absent' });
    });

    test('a time to live beyond 2^31 milliseconds is as long as it says', async () => {
      const space = await open();
      const claim = await space.claim('k', 10_000);
      const freshForMs = 100 * 86_400_000;
      await space.fill('k', filling(claim.token, { freshForMs, keepForMs: 2 * freshForMs }));
      const read = await space.read('k');
      if (read.kind !== 'value') throw new Error(`it is ${read.kind}`);
      expect(Math.abs(read.freshForMs - freshForMs)).toBeLessThan(60_000);
    });

    test('G8: no two keys and no two caches meet, whatever they are called', async () => {
      const { store, name: cache } = await create();
      const names = ['a', 'b', 'a:b', 'a}', '{a', ''];
      const keys = [
        '',
        ':',
        'a',
        'b',
        'a:b',
        'b:a',
        '{x}',
        '}{',
        '*',
        '?',
        '[a]',
        '%',
        '%3A',
        ' ',
        '\n',
        '\0',
        '__proto__',
      ];
      const hostile = ['constructor', '\ud800', '\udfff', '\ufffd', 'é', 'e\u0301', 'x'.repeat(1_000_000)];
      const all = names.flatMap((name) => [...keys, ...hostile].map((key) => ({ name: `${cache}${name}`, key })));
      for (const [at, { name, key }] of all.entries()) {
        const space = store.open(name);
        const claim = await space.claim(key, 60_000);
        expect([name, key.slice(0, 20), claim.kind]).toEqual([name, key.slice(0, 20), 'claimed']);
        expect(await space.fill(key, filling(claim.token, { text: `${at}` }))).toBe('filled');
      }
      for (const [at, { name, key }] of all.entries()) {
        expect(await store.open(name).read(key)).toMatchObject({ kind: 'value', text: `${at}` });
      }
    });
  });

  tagRecordsSuite({ name, create, pass });
  if (options.leases !== 'none') leaseSuite(options);
}
