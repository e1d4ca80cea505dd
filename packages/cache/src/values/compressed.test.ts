import { randomBytes } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { ValueTooLargeError } from '../errors.ts';
import { fixture, settle } from '../testing/fixture.ts';
import type { CacheCodec } from './codec.ts';
import { compressed } from './compressed.ts';
import { jsonCodec } from './json-codec.ts';

const json = jsonCodec<unknown>();
const codec = compressed(json, { above: 100 });
const rows = Array.from({ length: 200 }, (_, id) => ({ id, at: new Date(id), url: `https://example.com/${id}` }));
/** What begins as this codec marks its own. */
const asIs: CacheCodec<string> = { encode: (value) => value, decode: (text) => text };

describe('compressed', () => {
  test('long texts take a fraction, short ones stay as they are, and all come back with their types', () => {
    const text = codec.encode(rows);
    expect(text.length).toBeLessThan(json.encode(rows).length / 4);
    expect(codec.decode(text)).toStrictEqual(rows);
    for (const value of [null, 'short', { a: undefined }, new Map([[1n, new Set([Number.NaN])]])]) {
      expect(codec.encode(value)).toBe(json.encode(value));
      expect(codec.decode(codec.encode(value))).toStrictEqual(value);
    }
  });

  test('what was written before is read as before, also by another size, and what it wrote counts as nothing without it', () => {
    expect(codec.decode(json.encode(rows))).toStrictEqual(rows);
    expect(compressed(json, { above: 1_000_000 }).decode(codec.encode(rows))).toStrictEqual(rows);
    expect(() => json.decode(codec.encode(rows))).toThrow();
  });

  test('what does not become shorter is not compressed', () => {
    const noise = randomBytes(500).toString('base64');
    expect(codec.encode(noise)).toBe(json.encode(noise));
  });

  test('a text that begins like its own, or that UTF-8 can not hold, comes back the same', () => {
    const over = compressed(asIs, { above: 10 });
    const start = over.encode('a'.repeat(1_000)).slice(0, 2);
    for (const text of [
      '',
      start,
      `${start}AAAA`,
      `${start[0]}`,
      `${start[0]}0`,
      '\ud800'.repeat(1_000),
      'é'.repeat(1_000),
    ]) {
      expect(over.decode(over.encode(text))).toBe(text);
    }
  });

  test('G7: a small entry that stands for a huge one is not unpacked', () => {
    const packed = (bytes: number) => `\u00011${zstdCompressSync(Buffer.alloc(bytes, '[')).toString('base64')}`;
    const bounded = compressed(asIs, { above: 10, maxBytes: 10_000 });
    expect(bounded.decode(packed(10_000))).toHaveLength(10_000);
    const bomb = packed(50_000_000);
    expect(bomb.length).toBeLessThan(5_000);
    expect(() => bounded.decode(bomb)).toThrow(/larger than 10000 bytes/);
    expect(() => bounded.encode('a'.repeat(10_001))).toThrow(ValueTooLargeError);
  });

  test('a packing of later versions and a broken one are errors, not values', () => {
    expect(() => codec.decode('\u00019AAAA')).toThrow('unknown way "9"');
    expect(() => codec.decode('\u0001')).toThrow('unknown way');
    expect(() => codec.decode('\u00011AAAA')).toThrow();
    expect(() => codec.decode(codec.encode(rows).slice(0, -40))).toThrow();
  });

  test('refuses sizes that are none', () => {
    expect(() => compressed(json, { above: -1, maxBytes: 0.5 })).toThrow(
      /above: must be .* got -1\n.*maxBytes: .* got 0.5/,
    );
  });
});

describe('in a cache', () => {
  test('what is compressed is the same on every instance, and a broken entry is loaded anew', async () => {
    const strings = compressed(jsonCodec<string>(), { above: 100 });
    const { create, store } = fixture();
    const [a, b] = [create({ codec: strings }), create({ codec: strings })] as unknown as ReturnType<typeof create>[];
    const load = async () => rows as unknown as string;
    await a?.get('k', load);
    await settle();
    const read = await store.open('test').read('k');
    expect(read.kind === 'value' && read.text.length < 5_000).toBe(true);
    expect(await b?.look('k', load)).toMatchObject({ from: 'l2', value: rows });
  });

  test('G7: a value beyond `maxEntryBytes` is served and kept here, and stays out of the store; one in the store is not read', async () => {
    const { create, clock, store } = fixture();
    const small = create({ maxEntryBytes: 100 });
    const load = async () => 'ü'.repeat(50);
    expect((await small.look('k', load)).from).toBe('loader');
    await settle();
    expect((await small.look('k', load)).from).toBe('l1');
    expect((await store.open('test').read('k')).kind).toBe('claimed');
    expect(small.stats().l2.errors).toBe(1);
    await create().get('k', load);
    await settle();
    clock.advanceMs(5_000);
    expect((await store.open('test').read('k')).kind).toBe('value');
    expect((await small.look('k', load)).from).toBe('loader');
    // Two bytes less: just what is allowed.
    await small.get('fits', async () => 'ü'.repeat(49));
    await settle();
    expect((await store.open('test').read('fits')).kind).toBe('value');
    expect(() => create({ maxEntryBytes: 0 })).toThrow('maxEntryBytes');
  });
});
