import { expect, test } from 'vitest';
import { subjectOf } from './subject.ts';

test('G7: a key of any length is kept in a few hundred bytes', () => {
  expect(subjectOf('x'.repeat(200))).toBe('x'.repeat(200));
  expect(subjectOf('x'.repeat(1_000_000)).length).toBeLessThan(64);
});

test('G8: no two keys meet, also where one is written like the digest of another', () => {
  const long = 'x'.repeat(1000);
  const digest = subjectOf(long);
  expect(subjectOf(digest)).not.toBe(digest);
  const keys = [long, `${long}y`, digest, '', '\u0000', '\u0000sha256:', '\ud800'.repeat(201), '\ud801'.repeat(201)];
  expect(new Set(keys.map(subjectOf)).size).toBe(keys.length);
});
