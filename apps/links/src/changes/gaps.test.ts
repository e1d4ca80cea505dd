import { expect, test } from 'vitest';
import { createGaps } from './gaps.ts';

const shape = (gaps: ReturnType<typeof createGaps>) => gaps.all.map(({ low, high }) => [low, high]);

test('a gap shrinks and splits as its numbers are seen', () => {
  const gaps = createGaps(10);
  gaps.open({ low: 5, high: 9, sinceMs: 0 });
  gaps.open({ low: 12, high: 12, sinceMs: 0 });
  gaps.fill(7);
  expect(shape(gaps)).toEqual([
    [5, 6],
    [8, 9],
    [12, 12],
  ]);
  for (const seq of [5, 9, 12, 11, 100]) gaps.fill(seq);
  expect(shape(gaps)).toEqual([
    [6, 6],
    [8, 8],
  ]);
  expect([5, 6, 7, 8].map((seq) => gaps.has(seq))).toEqual([false, true, false, true]);
});

test('a gap is given up by its age', () => {
  const gaps = createGaps(10);
  gaps.open({ low: 1, high: 1, sinceMs: 100 });
  gaps.open({ low: 3, high: 3, sinceMs: 200 });
  gaps.forget(200);
  expect(shape(gaps)).toEqual([[3, 3]]);
});

test('G7: beyond the bound gaps grow together, and none of their numbers is lost', () => {
  const gaps = createGaps(3);
  for (const seq of [2, 4, 6, 8, 10]) gaps.open({ low: seq, high: seq, sinceMs: seq });
  expect(shape(gaps)).toEqual([
    [2, 2],
    [4, 4],
    [6, 10],
  ]);
  // No room to split: what was seen inside stays open.
  gaps.fill(8);
  expect(shape(gaps)).toHaveLength(3);
  expect([6, 8, 10].every((seq) => gaps.has(seq))).toBe(true);
});
