import { describe, expect, test } from 'vitest';
import { UnsupportedValueError } from '../errors.ts';
import { freezeDeep } from './freeze.ts';
import { jsonCodec } from './json-codec.ts';

const codec = jsonCodec<unknown>();
const through = (value: unknown): unknown => codec.decode(codec.encode(value));

describe('jsonCodec', () => {
  test.each([
    ['null', null],
    ['a string with half a surrogate pair', 'a\ud800b'],
    ['a Date', new Date(1_700_000_000_123)],
    [
      'a Map with objects as keys',
      new Map<unknown, unknown>([
        [{ a: 1 }, new Date(1)],
        ['x', undefined],
      ]),
    ],
    ['a Set', new Set([1n, 'a', Number.NaN])],
    ['a BigInt', 2n ** 80n],
    ['undefined', undefined],
    ['NaN', Number.NaN],
    ['an infinity', Number.NEGATIVE_INFINITY],
    ['bytes', new Uint8Array([0, 255])],
    ['a Buffer', Buffer.from('é')],
    ['undefined in an object', { a: undefined, b: [undefined, 1] }],
    ['an object that looks tagged', { $: 'date', v: 5, nested: { $: { $: null } } }],
    ['an object that looks tagged, with a Date', { $: 'date', v: new Date(0) }],
    ['a string that looks tagged', '!{"$":"undefined"}'],
  ])('%s comes back the same', (_, value) => {
    expect(through(value)).toStrictEqual(value);
  });

  test('-0 and an invalid Date come back as they were', () => {
    expect(Object.is(through(-0), -0)).toBe(true);
    expect((through([-0]) as number[]).every((item) => Object.is(item, -0))).toBe(true);
    expect(through(new Date(Number.NaN))).toEqual(new Date(Number.NaN));
  });

  test('an object without a prototype stays one, and a key __proto__ sets nobody’s prototype', () => {
    const bare = Object.assign(Object.create(null) as object, { a: 1 });
    expect(Object.getPrototypeOf(through(bare))).toBe(null);
    for (const text of ['{"__proto__":{"admin":true}}', '{"__proto__":{"admin":true},"x":[]}']) {
      const hostile = JSON.parse(text) as Record<string, unknown>;
      for (const value of [hostile, { ...hostile, at: new Date(0) }, { list: [hostile, 1n] }]) {
        const back = through(value);
        expect(back).toStrictEqual(value);
        expect((back as { admin?: boolean }).admin).toBeUndefined();
      }
    }
  });

  test('what was frozen by the cache can be put back into it', () => {
    const value = { m: new Map([[1, 2]]), s: new Set([1]), d: new Date(5) };
    freezeDeep(value);
    expect(through(value)).toEqual({ m: new Map([[1, 2]]), s: new Set([1]), d: new Date(5) });
  });

  test('plain data is plain JSON', () => {
    expect(codec.encode({ a: [1, 'x', null, true] })).toBe('{"a":[1,"x",null,true]}');
  });

  test.each([
    ['a function', { f: () => 1 }, 'a function'],
    ['a symbol', Symbol('x'), 'a symbol'],
    ['an instance of a class', { u: new URL('http://x.test') }, 'an instance of URL'],
    ['a subclass of Map', new (class Mine extends Map {})(), 'an instance of Mine'],
  ])('refuses %s, instead of changing it without a word', (_, value, named) => {
    expect(() => codec.encode(value)).toThrow(UnsupportedValueError);
    expect(() => codec.encode(value)).toThrow(named);
  });
});
