import { isDeepStrictEqual } from 'node:util';
import { keyOf } from '@spillway/cache';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

fc.configureGlobal({ seed: Number(process.env.SPILLWAY_SEED ?? Date.now() & 0x7fffffff), numRuns: 2_000 });

/** Few of each, so that two at random are often equal, and look like pieces of keys. */
const text = fc.oneof(
  fc.constantFrom('', 'a', 'b', '1', '"', '\\', '"a"', 'u', '1;', '[', ']', '{}', '__proto__', 'constructor', '\ud800'),
  fc.string({ unit: 'binary', maxLength: 3 }),
);
const leaf = fc.oneof(
  text,
  fc.constantFrom(0, -0, 1, Number.NaN, Infinity, 0n, 1n, true, false, null, undefined),
  fc.constantFrom(0, 1, Number.NaN).map((ms) => new Date(ms)),
  fc.uint8Array({ maxLength: 2 }),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.sparseArray(tie('value'), { maxNumElements: 2, maxLength: 3 }),
    fc.dictionary(text, tie('value'), { maxKeys: 3, noNullPrototype: true }),
    fc.array(fc.tuple(leaf, tie('value')), { maxLength: 2 }).map((entries) => new Map(entries)),
    fc.array(leaf, { maxLength: 3 }).map((items) => new Set(items)),
  ),
}));

/** The same, made anew with everything that has no order turned round. */
function turned(given: unknown): unknown {
  if (typeof given !== 'object' || given === null) return given;
  if (given instanceof Date) return new Date(given);
  if (given instanceof Uint8Array) return given.slice();
  if (given instanceof Map) return new Map([...given].reverse().map(([key, item]) => [turned(key), turned(item)]));
  if (given instanceof Set) return new Set([...given].reverse().map(turned));
  if (Array.isArray(given)) return given.map(turned); // keeps holes
  const copy = {};
  for (const [key, item] of Object.entries(given).reverse()) {
    Object.defineProperty(copy, key, { value: turned(item), enumerable: true, configurable: true, writable: true });
  }
  return copy;
}

const of = (filters: unknown) => keyOf({ route: 'r', filters });

describe('G8: keyOf', () => {
  test('two keys are equal if and only if their parts are structurally equal', () => {
    let equal = 0;
    fc.assert(
      fc.property(value, value, (a, b) => {
        const same = isDeepStrictEqual(a, b);
        if (same) equal += 1;
        expect(of(a) === of(b)).toBe(same);
      }),
    );
    expect(equal).toBeGreaterThan(10);
  });

  test('whatever is equal has one key, in whatever order it was written', () => {
    fc.assert(
      fc.property(value, (a) => {
        fc.pre(isDeepStrictEqual(a, turned(a)));
        expect(of(turned(a))).toBe(of(a));
      }),
    );
  });

  test('neither route nor namespace nor filters can pass for one another', () => {
    const parts = fc.record({ namespace: text, route: text, filters: value, page: value }, { requiredKeys: ['route'] });
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        expect(keyOf(a as never) === keyOf(b as never)).toBe(isDeepStrictEqual(a, b));
      }),
    );
  });
});
