import { describe, expect, test } from 'vitest';
import { seededRandom } from './random.ts';

const take = (seed: number, n: number): number[] => Array.from({ length: n }, seededRandom(seed));

describe('seededRandom', () => {
  test('the same seed gives the same numbers, on every machine', () => {
    expect(take(42, 3)).toEqual([0.6011037519201636, 0.44829055899754167, 0.8524657934904099]);
    expect(take(7, 100)).toEqual(take(7, 100));
    expect(take(7, 3)).not.toEqual(take(8, 3));
  });

  test('numbers lie in [0, 1) and are spread evenly, whatever the seed', () => {
    for (const seed of [0, 1, -1, 2 ** 32, 2 ** 31 - 1, 0.5]) {
      const numbers = take(seed, 10_000);
      expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
      // 1,000 expected in each tenth, with a standard deviation of 30: six of them.
      for (let tenth = 0; tenth < 10; tenth += 1) {
        const inside = numbers.filter((number) => Math.floor(number * 10) === tenth).length;
        expect(Math.abs(inside - 1_000), `seed ${seed}, tenth ${tenth}`).toBeLessThan(180);
      }
    }
  });
});
