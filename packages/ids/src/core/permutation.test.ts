import { seededRandom } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { createPermutation, type RoundFunction } from './permutation.ts';

/** A random function, made up as it is asked: what a pseudo-random function pretends to be. */
function randomFunction(seed: number): RoundFunction {
  const random = seededRandom(seed);
  const known = new Map<string, number>();
  return (round, half) => {
    const key = `${round}:${half}`;
    const value = known.get(key) ?? random() * 2 ** 32;
    known.set(key, value);
    return value;
  };
}

describe('the permutation', () => {
  // Squares, one below and one above them: where the halves just fit, and where walking starts.
  test.each([1, 2, 3, 4, 5, 8, 9, 10, 15, 16, 17, 57, 58, 99, 100, 101, 1_000, 3_364, 10_007, 65_536])(
    'G1: maps 0 ... %i - 1 onto itself, one to one, and back',
    (size) => {
      const permutation = createPermutation(size, randomFunction(size));
      const seen = new Set<number>();
      for (let value = 0; value < size; value++) {
        const mapped = permutation.apply(value);
        seen.add(mapped);
        expect(permutation.invert(mapped)).toBe(value);
      }
      expect(seen.size).toBe(size);
      expect(Math.min(...seen)).toBe(0);
      expect(Math.max(...seen)).toBe(size - 1);
    },
  );

  test('is another one for another round function', () => {
    const one = createPermutation(1_000, randomFunction(1));
    const other = createPermutation(1_000, randomFunction(2));
    const fixed = Array.from({ length: 1_000 }, (_, value) => value).filter((v) => one.apply(v) === other.apply(v));
    // Two random permutations agree on one value on average, by a Poisson law: more than 10 has a probability of 1e-8.
    expect(fixed.length).toBeLessThanOrEqual(10);
  });

  test('is reached by every order: all 6 permutations of three values come up over different keys', () => {
    const seen = new Map<string, number>();
    for (let seed = 0; seed < 600; seed++) {
      const permutation = createPermutation(3, randomFunction(seed));
      const order = [0, 1, 2].map((value) => permutation.apply(value)).join('');
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    expect([...seen.keys()].sort()).toEqual(['012', '021', '102', '120', '201', '210']);
  });
});
