import { describe, expect, test } from 'vitest';
import { type Duration, toMs } from './duration.ts';
import { ConfigurationError } from './errors.ts';

describe('toMs', () => {
  test.each([
    ['0s', 0],
    ['500ms', 500],
    ['1.5s', 1_500],
    ['2m', 120_000],
    ['24h', 86_400_000],
    ['25d', 2_160_000_000],
    ['0.4ms', 0],
    ['0.6ms', 1],
    ['100000000d', 8.64e15],
  ] as const)('%s is %d milliseconds', (value, ms) => {
    expect(toMs(value)).toBe(ms);
  });

  test.each([
    '',
    '5',
    's',
    '5 s',
    ' 5s',
    '5s\n',
    '-5s',
    '+5s',
    '1e3s',
    '.5s',
    '5.s',
    '5S',
    'NaNs',
    'Infinitys',
    '0x5s',
    '5sec',
  ])('%j is refused, with what to write instead', (value) => {
    expect(() => toMs(value as Duration)).toThrow(ConfigurationError);
    expect(() => toMs(value as Duration)).toThrow('write e.g. "500ms"');
  });

  test('what is too long to count in whole milliseconds is refused, not rounded', () => {
    expect(() => toMs('999999999999d')).toThrow('write at most "100000000d"');
  });

  test('values that are no strings are refused by name', () => {
    for (const value of [5, null, undefined, {}])
      expect(() => toMs(value as unknown as Duration)).toThrow(String(value));
  });
});
