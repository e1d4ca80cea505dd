import { ConfigurationError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { IdOutOfRangeError } from './errors.ts';
import { createShortCode } from './short-code.ts';

const secret = 'a secret for tests only';

describe('short codes', () => {
  test('never change: these were made by the first release', () => {
    const codes = createShortCode({ secret });
    expect([0, 1, 2, 10_000, codes.size - 1].map((id) => codes.encode(id))).toMatchInlineSnapshot(`
      [
        "Vze2ZbQ",
        "ZU7WrKy",
        "2Xmgitp",
        "CbFHnik",
        "HTu3Vvo",
      ]
    `);
    const long = createShortCode({ secret, length: 9 });
    expect([0, 1, long.size - 1].map((id) => long.encode(id))).toMatchInlineSnapshot(`
      [
        "3ACKdFgZ8",
        "UcVxN5Eny",
        "CUQnSLakf",
      ]
    `);
  });

  test.each([-1, 0.5, Number.NaN, 58 ** 7, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY])(
    'refuse the id %d, and say what to do',
    (id) => {
      expect(() => createShortCode({ secret }).encode(id)).toThrow(IdOutOfRangeError);
      expect(() => createShortCode({ secret }).encode(id)).toThrow(/make the codes longer/);
    },
  );

  test.each([
    '',
    'short',
    'toolongforit',
    '0000000',
    'aB3xY9l',
    'aB3 Y9k',
    'aB3%00k',
    '../../x',
    '\u0000'.repeat(7),
    '💥💥💥1',
  ])('decode %o to nothing', (text) => {
    expect(createShortCode({ secret }).decode(text)).toBeUndefined();
  });

  test.each([undefined, null, 7, 1_234_567, {}, ['a', 'B', '3', 'x', 'Y', '9', 'k'], Symbol('x')])(
    'decode what is no string to nothing: %o',
    (value) => {
      expect(createShortCode({ secret }).decode(value as string)).toBeUndefined();
    },
  );

  test.each([2, 10, 7.5, Number.NaN, '7'])('refuse the length %o', (length) => {
    expect(() => createShortCode({ secret, length: length as number })).toThrow(ConfigurationError);
  });

  test.each(['', 'fifteen letters', undefined])('refuse the secret %o without showing it', (bad) => {
    const make = () => createShortCode({ secret: bad as string });
    expect(make).toThrow(/at least 16 characters, got (0 characters|15 characters|undefined)/);
    expect(make).not.toThrow(/fifteen letters/);
  });
});
