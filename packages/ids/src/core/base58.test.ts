import { describe, expect, test } from 'vitest';
import { BASE58, fromBase58, toBase58 } from './base58.ts';

describe('base 58', () => {
  test('has 58 different digits, none of which look alike', () => {
    expect(new Set(BASE58).size).toBe(58);
    expect(BASE58).not.toMatch(/[0OIl]/);
  });

  test('writes the first and the last number of a length', () => {
    expect(toBase58(0, 7)).toBe('1111111');
    expect(toBase58(58 ** 7 - 1, 7)).toBe('zzzzzzz');
    expect(fromBase58('zzzzzzzzz', 9)).toBe(58 ** 9 - 1);
  });

  test('reads what it wrote, for every number of two digits', () => {
    for (let value = 0; value < 58 ** 2; value++) expect(fromBase58(toBase58(value, 2), 2)).toBe(value);
  });

  test.each(['', '11', '1111', '1 1', '10l', 'OO0', '\u0000\u0000\u0000', 'é11', '11\ud800', '💥1'])(
    'reads %o as nothing when three digits are due',
    (text) => {
      expect(fromBase58(text, 3)).toBeUndefined();
    },
  );
});
