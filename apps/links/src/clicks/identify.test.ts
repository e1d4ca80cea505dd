import { ConfigurationError } from '@spillway/kernel';
import { expect, test } from 'vitest';
import { openCountries } from './countries.ts';
import { canonicalAddress, createIdentify, type Identify } from './identify.ts';
import { memoizeRecent } from './memoize-recent.ts';

const off = openCountries('off');

/** The visitor hash that an address gets, in hexadecimal digits. */
const visitorOf = (identify: Identify) => (ip: string) => {
  const into = new DataView(new ArrayBuffer(8));
  identify(ip, into, 0);
  return into.getBigUint64(0, true).toString(16).padStart(16, '0');
};

test('a visitor is the same for every spelling of an address, and another for another address or secret', () => {
  const identify = createIdentify({ secret: 'one', countries: off });
  const visitor = visitorOf(identify);
  expect(visitor('192.0.2.1')).toMatch(/^[0-9a-f]{16}$/);
  expect(visitor('::ffff:192.0.2.1')).toBe(visitor('192.0.2.1'));
  expect(visitor('2001:DB8:0:0:0:0:0:1')).toBe(visitor('2001:db8::1'));
  expect(visitor('192.0.2.2')).not.toBe(visitor('192.0.2.1'));
  expect(visitorOf(createIdentify({ secret: 'two', countries: off }))('192.0.2.1')).not.toBe(visitor('192.0.2.1'));
});

test('what is no address is identified as it stands', () => {
  expect(canonicalAddress('unknown')).toBe('unknown');
  expect(canonicalAddress('a:b')).toBe('a:b');
  expect(canonicalAddress('fe80::1%eth0')).toBe('fe80::1');
});

test('countries are told for IPv4 and IPv6, and unknown for private and broken addresses', () => {
  const countries = openCountries('packaged');
  expect(countries.of('193.0.6.139')).toBe('NL');
  expect(countries.of('2001:67c:2e8:22::c100:68b')).toBe('NL');
  for (const nowhere of ['10.0.0.1', '127.0.0.1', '::1', 'rubbish', '']) expect(countries.of(nowhere)).toBe('unknown');
});

test('the number of an IPv4 address finds the same country as its text, remembered or not', () => {
  const countries = openCountries('packaged');
  for (let step = 0; step < 2; step += 1) {
    for (let at = 0; at < 2_000; at += 1) {
      const number = (at * 2_654_435_761) >>> 0;
      const address = [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
      expect(countries.ofIpv4(number, address), address).toBe(countries.of(address));
      // A neighbour in the same /24.
      const next = (number ^ 0x81) >>> 0;
      const neighbour = [24, 16, 8, 0].map((shift) => (next >>> shift) & 255).join('.');
      expect(countries.ofIpv4(next, neighbour), neighbour).toBe(countries.of(neighbour));
    }
  }
});

test('no text is identified as an IPv4 address', () => {
  const visitor = visitorOf(createIdentify({ secret: 'one', countries: off }));
  for (const text of ['abcd', '', 'text:abcd']) expect(visitor(text)).not.toBe(visitor('97.98.99.100'));
});

test('a country database that can not be read is an error that names it', () => {
  expect(() => openCountries('/nowhere/countries.mmdb').load()).toThrow(ConfigurationError);
  expect(() => openCountries('/nowhere/countries.mmdb').load()).toThrow(
    /COUNTRY_DATABASE: "\/nowhere\/countries.mmdb"/,
  );
  expect(() => openCountries(import.meta.filename).load()).toThrow(/is not a readable MMDB file/);
});

test('G7: the memo holds at most two generations and forgets the oldest', () => {
  let computed = 0;
  const memo = memoizeRecent(10, (key: string) => {
    computed += 1;
    return key.length;
  });
  for (let round = 0; round < 3; round += 1) for (let key = 0; key < 10; key += 1) memo(`k${key}`);
  expect(computed).toBe(10);
  for (let key = 100; key < 130; key += 1) memo(`k${key}`);
  memo('k0');
  expect(computed).toBe(41);
});
