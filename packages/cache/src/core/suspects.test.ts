import { expect, test } from 'vitest';
import { createSuspects } from './suspects.ts';

const create = (maxKeys = 10) => {
  let bounds = 0;
  const suspects = createSuspects({ maxKeys, forUs: 1_000 }, () => {
    bounds += 1;
  });
  return { suspects, bounds: () => bounds };
};

test('a key is suspected until each of its reporters has deleted it, or was silent for too long', () => {
  const { suspects } = create();
  suspects.add('k', 'a', 0);
  suspects.add('k', 'b', 500);
  expect(suspects.acquit('k', 'c', 600)).toBe(false);
  expect(suspects.acquit('k', 'a', 600)).toBe(true);
  expect(suspects.has('k', 600)).toBe(true);
  expect(suspects.has('other', 600)).toBe(false);
  expect(suspects.has('k', 1_500)).toBe(false);
  expect(suspects.size).toBe(0);
});

test('G5: who acquits too late is not believed: the key was read meanwhile', () => {
  const { suspects } = create();
  suspects.add('k', 'a', 0);
  expect(suspects.acquit('k', 'a', 1_000)).toBe(false);
  expect(suspects.size).toBe(0);
});

test('G5: a delete of this instance clears only what was suspected before it began', () => {
  const { suspects } = create();
  suspects.add('k', 'a', 0);
  const { newest } = suspects;
  suspects.add('k', 'b', 0);
  suspects.clear('k', newest);
  expect(suspects.has('k', 1)).toBe(true);
  expect(suspects.acquit('k', 'a', 1)).toBe(false);
  suspects.clear('k', suspects.newest);
  expect(suspects.has('k', 1)).toBe(false);
});

test('G7: beyond its bound the oldest key goes, and of one key the oldest reporter', () => {
  const { suspects, bounds } = create(2);
  for (const key of ['a', 'b', 'a', 'c']) suspects.add(key, 'x', 0);
  expect(['a', 'b', 'c'].map((key) => suspects.has(key, 1))).toEqual([false, true, true]);
  expect(bounds()).toBe(1);
  for (let reporter = 0; reporter < 17; reporter += 1) suspects.add('c', `r${reporter}`, 0);
  expect(suspects.acquit('c', 'r0', 1)).toBe(false);
  expect(suspects.acquit('c', 'r16', 1)).toBe(true);
  expect(suspects.size).toBe(2);
});
