import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyHash } from '../../src/bloom/key-hash.ts';
import { memoryBloomStore } from '../../src/bloom/memory-bloom-store.ts';
import { bloomBits, bloomShape, MAX_BITS } from '../../src/core/bloom/bloom-shape.ts';

fc.configureGlobal({ seed: Number(process.env.SPILLWAY_SEED ?? Date.now() & 0x7fffffff) });

const key = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('', 'a', '__proto__', '\ud800', '\udfff'),
);
const shape = fc
  .tuple(fc.integer({ min: 1, max: 100_000 }), fc.double({ min: 1e-9, max: 0.5, noNaN: true }))
  .map(([capacity, errorRate]) => bloomShape(capacity, errorRate));

/** A complete generation with these keys. */
async function filled(of: { bits: number; hashes: number }, keys: readonly string[]) {
  const space = memoryBloomStore().open('f', of);
  await space.begin('t', 1_000);
  await space.fill(
    't',
    1_000,
    keys.map((each) => bloomBits(keyHash(each), of)),
  );
  await space.complete('t');
  return async (asked: readonly string[]) =>
    (await space.check(asked.map((each) => bloomBits(keyHash(each), of)))) ?? [];
}

describe('the Bloom filter', () => {
  test('never calls a key absent that is in it, however full it is', async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.array(key, { maxLength: 200 }), async (of, keys) => {
        const has = await filled(of, keys);
        expect(await has(keys)).toEqual(keys.map(() => true));
      }),
      { numRuns: 300 },
    );
  });

  test('the bits of a key are its own, in range, and as many as there are hashes', () => {
    const hash = fc.record({
      a: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
      b: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
    });
    fc.assert(
      fc.property(hash, fc.integer({ min: 64, max: MAX_BITS }), fc.integer({ min: 1, max: 31 }), (of, bits, hashes) => {
        const found = bloomBits(of, { bits, hashes });
        expect(found).toHaveLength(hashes);
        for (const bit of found) expect(Number.isSafeInteger(bit) && bit >= 0 && bit < bits).toBe(true);
        expect(bloomBits(of, { bits, hashes })).toEqual(found);
      }),
    );
  });

  // 5 standard deviations of the count of errors among 50,000 keys at the rate it was made for, and 2 % of it for bits that meet.
  test.each([0.1, 0.01, 0.001])('at its capacity it errs as often as it was made to: %d', async (errorRate) => {
    const asked = 50_000;
    const capacity = 20_000;
    const has = await filled(
      bloomShape(capacity, errorRate),
      Array.from({ length: capacity }, (_, n) => `in ${n}`),
    );
    const wrong = (await has(Array.from({ length: asked }, (_, n) => `out ${n}`))).filter(Boolean).length;
    const expected = asked * errorRate;
    expect(wrong).toBeLessThan(expected * 1.02 + 5 * Math.sqrt(expected));
    expect(wrong).toBeGreaterThan(expected / 2 - 5 * Math.sqrt(expected));
  });

  test('is as small as it can be', () => {
    expect(bloomShape(1_000_000, 0.01)).toEqual({ bits: 9_585_059, hashes: 7 });
    expect(bloomShape(1, 0.5)).toEqual({ bits: 64, hashes: 2 });
  });
});
