import { describe, expect, test } from 'vitest';
import type { CacheSpace, StoreFill, TagRecord } from '../store.ts';
import type { CacheStoreSuiteOptions } from './cache-store-suite.ts';

const LIFE_MS = 60_000;

/** What every `CacheStore` has to do with tags, one step at a time. */
export function tagRecordsSuite({ name, create, pass }: CacheStoreSuiteOptions): void {
  const open = async (): Promise<CacheSpace> => {
    const { store, name: cache } = await create();
    return store.open(cache);
  };
  const claimOne = async (space: CacheSpace, tag: string, forMs = LIFE_MS): Promise<TagRecord> =>
    (await space.claimTags([tag], forMs))[0] as TagRecord;
  const readOne = async (space: CacheSpace, tag: string): Promise<TagRecord | undefined> =>
    (await space.readTags([tag]))[0];

  describe(`${name}: the records of tags`, () => {
    test('are made by a claim, stay as they are, and come in the order in which they were asked for', async () => {
      const space = await open();
      expect(await space.readTags(['a', 'b'])).toEqual([undefined, undefined]);
      const b = await claimOne(space, 'b');
      expect(await space.readTags(['a', 'b'])).toEqual([undefined, b]);
      const [a, again] = await space.claimTags(['a', 'b'], LIFE_MS);
      expect(again).toEqual(b);
      expect(new Set([a?.era, a?.version, b.era, b.version]).size).toBe(4);
      expect(await space.readTags(['a', 'b', 'a'])).toEqual([a, b, a]);
      expect(await space.readTags([])).toEqual([]);
    });

    test('G5: one that was invalidated, or lost, never comes back as it was', async () => {
      const space = await open();
      const seen = new Set<string>();
      for (let i = 0; i < 10; i += 1) {
        const { era, version } = await claimOne(space, 't');
        seen.add(era).add(version);
        await space.outdateTags(['t', 'never there'], 'invalidated');
        expect(await readOne(space, 't')).toBeUndefined();
      }
      expect(seen.size).toBe(20);
      expect(await readOne(space, 'never there')).toBeUndefined();
    });

    test('G5: one that has expired is of the same era, and of another version each time', async () => {
      const space = await open();
      const versions = new Set<string>();
      const { era, version } = await claimOne(space, 't');
      versions.add(version);
      for (let i = 0; i < 10; i += 1) {
        await space.outdateTags(['t', 'never there'], 'expired');
        const now = await readOne(space, 't');
        expect(now?.era).toBe(era);
        versions.add(now?.version ?? '');
      }
      expect(versions.size).toBe(11);
      expect(await readOne(space, 'never there')).toBeUndefined();
    });

    test('live for as long as the longest claim asked for, from the last claim on', async () => {
      const space = await open();
      const long = await claimOne(space, 'long', 3 * LIFE_MS);
      await claimOne(space, 'long', 1);
      await space.outdateTags(['long'], 'expired');
      await claimOne(space, 'short', 100);
      const renewed = await claimOne(space, 'renewed', 100);
      await claimOne(space, 'renewed', LIFE_MS);
      await pass(300);
      expect((await readOne(space, 'long'))?.era).toBe(long.era);
      expect(await readOne(space, 'short')).toBeUndefined();
      expect(await readOne(space, 'renewed')).toEqual(renewed);
      const ages = await claimOne(space, 'ages', 200 * 86_400_000);
      expect(await readOne(space, 'ages')).toEqual(ages);
    });

    test('an entry brings the tags that it was filled with, and nothing of them when it goes', async () => {
      const space = await open();
      const hostile = ['a,b', '"', '\ud800', '\n', '__proto__', 'é', '{x}', 'x'.repeat(256)];
      const records = await space.claimTags(hostile, LIFE_MS);
      const tags = hostile.map((tag, at) => ({ tag, ...(records[at] as TagRecord) }));
      const filling = (token: string, more: Partial<StoreFill>): StoreFill => ({
        token,
        text: 'v',
        freshForMs: LIFE_MS,
        keepForMs: 2 * LIFE_MS,
        loadedAgoMs: 0,
        tags,
        ...more,
      });
      for (const text of ['v', '', undefined]) {
        const key = `k${text}`;
        const { token } = await space.claim(key, LIFE_MS);
        expect(await space.fill(key, filling(token, { text }))).toBe('filled');
        const kind = text === undefined ? { kind: 'negative' } : { kind: 'value', text };
        const read = await space.read(key);
        expect(read).toMatchObject({ ...kind, tags });
        // As whoever finds it instead of nothing does.
        expect(await space.claim(key, LIFE_MS)).toMatchObject({ ...kind, tags });
        await space.invalidate([key], LIFE_MS);
        if (read.kind === 'absent') throw new Error('it was filled');
        expect(await space.fill(key, filling(read.token, { text }))).toBe('refused');
        expect((await space.read(key)).kind).toBe('deleted');
      }
    });

    test('G5: "there is nothing" under tags, in place of a deletion, does not make it forgotten', async () => {
      const space = await open();
      const record = await claimOne(space, 't');
      const nothing = (token: string): StoreFill => ({
        token,
        text: undefined,
        freshForMs: 1,
        keepForMs: 1,
        loadedAgoMs: 0,
        tags: [{ tag: 't', ...record }],
      });
      for (const key of ['again', 'expired']) {
        await space.claim(key, LIFE_MS);
        await space.invalidate([key], LIFE_MS);
        const { token } = await space.claim(key, LIFE_MS);
        expect(await space.fill(key, nothing(token))).toBe('filled');
      }
      await pass(150);
      const over = await space.claim('again', LIFE_MS);
      expect(over.kind).toBe('deleted');
      expect(await space.fill('again', nothing(over.token))).toBe('filled');
      await space.invalidate(['expired'], 0);
      await pass(150);
      expect((await space.read('again')).kind).toBe('deleted');
      expect((await space.read('expired')).kind).toBe('deleted');
    });

    test('G8: no two tags and no two caches meet, and no tag meets a key', async () => {
      const { store, name: cache } = await create();
      const names = ['a', 'b', 'a:b', 'a}', '{a', ''];
      const words = [
        '',
        ':',
        'a',
        'b:a',
        ':tag',
        'tag',
        '{x}',
        '*',
        '%3A',
        '\0',
        '__proto__',
        '\ud800',
        '\udfff',
        '\ufffd',
      ];
      const seen = new Map<string, string>();
      for (const of of names) {
        const space = store.open(`${cache}${of}`);
        const records = await space.claimTags(words, LIFE_MS);
        for (const [at, { era }] of records.entries()) seen.set(era, `${of} ${words[at]}`);
        for (const word of words) expect((await space.claim(word, LIFE_MS)).kind).toBe('claimed');
        await space.invalidate(words, LIFE_MS);
        expect(await space.readTags(words)).toEqual(records);
      }
      expect(seen.size).toBe(names.length * words.length);
    });
  });
}
