import { describe, expect, test } from 'vitest';
import { suddenRise } from './sudden.ts';

const steady = (count: number, windows = 12) => Array<number>(windows).fill(count);

describe('a sudden rise', () => {
  test('is one that chance does not explain: score (x - median) / spread', () => {
    // The spread of a steady rate is that of a Poisson process: sqrt(100).
    expect(suddenRise(300, steady(100), 1)).toEqual({ baseline: 100, spread: 10, score: 20 });
    expect(suddenRise(1_000, steady(0), 1)).toEqual({ baseline: 0, spread: 1, score: 1_000 });
  });

  test('needs a score of 3.5, twice the baseline and 20 requests', () => {
    expect(suddenRise(19, steady(0), 1)).toBeUndefined();
    expect(suddenRise(20, steady(0), 1)).toBeDefined();
    // 1,900 of 1,000 is a score of 28, and still less than twice as much.
    expect(suddenRise(1_999, steady(1_000), 1)).toBeUndefined();
    expect(suddenRise(2_000, steady(1_000), 1)).toBeDefined();
    expect(suddenRise(100, steady(100), 1)).toBeUndefined();
    expect(suddenRise(0, steady(100), 1)).toBeUndefined();
  });

  test('is not hidden by a burst among the windows before it, nor seen where bursts are usual', () => {
    expect(suddenRise(500, [...steady(10, 8), 5_000, 5_000, 5_000, 5_000], 1)?.baseline).toBe(10);
    const wild = [0, 400, 20, 300, 10, 500, 0, 350, 30, 450, 5, 380];
    expect(suddenRise(700, wild, 1)).toBeUndefined();
  });

  test('is less certain the fewer records it was told by', () => {
    // Three records of a hundred requests each, after silence, are nothing; twenty are.
    expect(suddenRise(300, steady(0), 100)).toBeUndefined();
    expect(suddenRise(2_000, steady(0), 100)?.score).toBe(20);
  });
});
