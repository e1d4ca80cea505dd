import { expect, test } from 'vitest';
import { checkHistory } from './lease-history.ts';

// 14 at once, and one more with each millisecond.
const bound = { capacity: 10, perSecond: 1000, maxAgeMs: 4 };

/** Of the second of two keys, by each process. */
const history = (...processes: readonly (readonly number[])[]) => ({
  tables: processes.map((counts) => Uint16Array.from(counts.flatMap((count) => [0, count]))),
  keys: 2,
  errorMs: 0,
});

test('what the processes admitted of a key together keeps to the bound, over any interval', () => {
  expect(checkHistory(history([7, 1, 0, 0, 2], [7, 0, 1, 0, 0]), bound)).toBe(1);
});

test('one more is one too many, at once or later', () => {
  expect(() => checkHistory(history([7, 1], [8, 0]), bound)).toThrow(/15 of key 1 .*bound is 14/);
  expect(() => checkHistory(history([7, 1, 1], [7, 1, 0]), bound)).toThrow(/15 of key 1/);
});
