import { describe, expect, test } from 'vitest';
import { freezeDeep } from '../values/freeze.ts';
import { KeyError } from './key-error.ts';
import { type KeyParts, keyOf } from './key-of.ts';

const of = (filters: unknown) => keyOf({ route: 'r', filters });

describe('keyOf', () => {
  test('is readable while it is short', () => {
    expect(keyOf({ route: 'GET /orders', filters: { status: ['open', 'late'], page: 2 } })).toBe(
      '/"GET /orders"{"filters"{"page"2;"status"["open""late"]}}',
    );
    expect(keyOf({ namespace: 'tenant 7', route: 'r' })).toBe('"tenant 7"/"r"{}');
  });

  test('does not depend on the order of properties, nor of what has no order', () => {
    expect(of({ a: 1, b: { c: 2, d: 3 } })).toBe(of({ b: { d: 3, c: 2 }, a: 1 }));
    expect(of(new Set([1, 2]))).toBe(of(new Set([2, 1])));
    expect(
      of(
        new Map([
          ['a', 1],
          ['b', 2],
        ]),
      ),
    ).toBe(
      of(
        new Map([
          ['b', 2],
          ['a', 1],
        ]),
      ),
    );
    expect(keyOf({ filters: 1, route: 'r', namespace: 'n' })).toBe(keyOf({ namespace: 'n', route: 'r', filters: 1 }));
    expect(of([1, 2])).not.toBe(of([2, 1]));
  });

  test('G8: what looks alike is told apart', () => {
    const own = JSON.parse('{"__proto__":1}') as object;
    const alike: unknown[] = [
      ...[0, -0, Number.NaN, 1, Infinity, -Infinity, 0n, 1n, '1', '1;', 'i1;', '0', 'NaN', 'u', 'n', '', 'null'],
      ...[undefined, null, true, false, 'true', 't'],
      ...[new Date(0), new Date(Number.NaN), '1970-01-01T00:00:00.000Z', new Date(1)],
      ...[[], {}, [[]], [{}], [undefined], Array(1), [null], [undefined, undefined], ['a', 'b'], ['a,b'], ['a""b']],
      ...[own, { proto: 1 }, { constructor: 1 }, { a: undefined }, { a: null }, { a: { b: 1 } }, { 'a.b': 1 }],
      ...[new Map(), new Set(), new Set([1]), new Set(['1']), new Map([[1, 2]]), [[1, 2]], { 1: 2 }],
      ...[new Uint8Array(0), new Uint8Array([1]), [1], new Map([['1', 2]]), '\ud800', '\udfff', '\ufffd'],
    ];
    expect(new Set(alike.map(of)).size).toBe(alike.length);
    const parts: KeyParts[] = [
      { route: 'r' },
      { route: 'r', filters: undefined },
      { route: 'r', page: undefined },
      { namespace: '', route: 'r' },
      { namespace: 'a', route: 'b:c' },
      { namespace: 'a:b', route: 'c' },
      { route: 'a"/"r' },
      { namespace: 'a', route: 'r' },
    ];
    expect(new Set(parts.map(keyOf)).size).toBe(parts.length);
  });

  test('a long one is shortened to what no short one can look like', () => {
    const long = of('x'.repeat(1_000));
    expect(long).toMatch(/^#[\w-]{43}$/);
    expect(of('x'.repeat(1_001))).not.toBe(long);
    expect(of('\ud800'.repeat(1_000))).not.toBe(of('\ud801'.repeat(1_000)));
    expect(keyOf({ route: long })).not.toBe(long);
    expect(of('x'.repeat(100)).startsWith('#')).toBe(false);
  });

  test('is the same for the frozen values that a cache hands out', () => {
    const make = () => ({ at: new Date(5), ids: new Set([1]), by: new Map([[1, new Date(0)]]) });
    const frozen = make();
    freezeDeep(frozen);
    expect(of(frozen)).toBe(of(make()));
    expect(of(Buffer.from([1]))).toBe(of(new Uint8Array([1])));
    expect(of(Object.assign(Object.create(null), { a: 1 }))).toBe(of({ a: 1 }));
  });

  test('what has no contents to compare is refused, and the message says where it is', () => {
    class Money {
      cents = 1;
    }
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    for (const [filters, message] of [
      [{ of: [new Money()] }, 'parts.filters.of[0] is an instance of Money; pass plain data'],
      [{ by: () => 1 }, 'parts.filters.by is a function; name it by a string'],
      [{ [Symbol('s')]: 1 }, 'parts.filters has a property named by a symbol'],
      [Symbol('s'), 'parts.filters is a symbol'],
      [new URLSearchParams('a=1'), 'is an instance of URLSearchParams'],
      [/x/, 'is an instance of RegExp'],
      [new Float64Array(1), 'is an instance of Float64Array'],
      [Object.assign(new Date(0), { zone: 'UTC' }), 'is an instance of Date'],
      [Object.assign([1], { total: 1 }), 'parts.filters is an array with properties of its own'],
      [cycle, 'is nested deeper than 64, or holds itself'],
    ] as const) {
      expect(() => of(filters)).toThrow(KeyError);
      expect(() => of(filters)).toThrow(message);
    }
    expect(() => keyOf({ route: 7 as unknown as string })).toThrow(
      'route must be a string, got a value of type number',
    );
    expect(() => keyOf({ route: 'r', namespace: undefined as unknown as string })).toThrow(
      'namespace must be a string',
    );
  });
});
