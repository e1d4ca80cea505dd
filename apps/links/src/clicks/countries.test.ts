import { ConfigurationError } from '@spillway/kernel';
import { expect, test } from 'vitest';
import { openCountries, UNKNOWN } from './countries.ts';

test('a database that can not be read is named by load, before or after the first click, which is taken all the same', () => {
  const countries = openCountries('/nowhere.mmdb');
  expect(countries.of('8.8.8.8')).toBe(UNKNOWN);
  expect(countries.ofIpv4(0x08080808, '8.8.8.8')).toBe(UNKNOWN);
  expect(() => countries.load()).toThrow(ConfigurationError);
  expect(() => countries.load()).toThrow('/nowhere.mmdb');
});
