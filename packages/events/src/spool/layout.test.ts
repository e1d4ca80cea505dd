import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromPathName, isEpoch, newEpoch, segmentFirst, segmentName, toPathName } from './layout.ts';

const name = fc.string({ minLength: 1, maxLength: 4, unit: 'grapheme' });

test('G8: different names are different paths, also where case is ignored, and come back', () => {
  fc.assert(
    fc.property(name, name, (a, b) => {
      expect(fromPathName(toPathName('name', a))).toBe(a);
      expect(toPathName('name', a)).toMatch(/^[a-z0-9_%-]+$/);
      if (a !== b) expect(toPathName('name', a).toLowerCase()).not.toBe(toPathName('name', b).toLowerCase());
    }),
  );
});

test('names that would leave the directory, be hidden, or are none', () => {
  for (const hostile of ['.', '..', '../x', 'a/b', '\0', '.hidden', 'C:\\', 'a\nb'])
    expect(toPathName('name', hostile)).not.toMatch(/[./\\\0\n:]/);
  for (const wrong of ['', 'x'.repeat(201), '\ud800'])
    expect(() => toPathName('producer', wrong)).toThrow(/^producer "/);
  for (const foreign of ['', '.tmp', 'A', 'lost+found', '%61', '%zz']) expect(fromPathName(foreign)).toBeUndefined();
});

test('an epoch sorts after those before it, even when the clock went back, and is never the same', () => {
  const first = newEpoch(2_000, []);
  const second = newEpoch(1_000, [first, 'notes.txt']);
  expect([second, first].sort()).toEqual([first, second]);
  expect(isEpoch(first) && isEpoch(second)).toBe(true);
  expect(newEpoch(2_000, [])).not.toBe(first);
});

test('a segment is named by its first number', () => {
  expect(segmentFirst(segmentName(42))).toBe(42);
  expect(segmentFirst('spillway.lock')).toBeUndefined();
});
