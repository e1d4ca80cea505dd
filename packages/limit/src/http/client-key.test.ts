import { describe, expect, test } from 'vitest';
import { clientKey } from './client-key.ts';

describe('the key of a client address', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['192.0.2.1:51234', '192.0.2.1'],
    ['[::ffff:192.0.2.1]:443', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2/64'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2/64'],
    ['[2001:db8:1:2::7]:8080', '2001:db8:1:2/64'],
    ['2001:db8::1', '2001:db8:0:0/64'],
    ['::1', '0:0:0:0/64'],
    ['fe80::1%eth0', 'fe80:0:0:0/64'],
    ['64:ff9b::192.0.2.33', '64:ff9b:0:0/64'],
  ])('%s is %s', (address, key) => {
    expect(clientKey(address)).toBe(key);
  });

  test('an IPv6 client counts once over all the addresses of its network', () => {
    const addresses = ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'];
    expect(new Set(addresses.map((address) => clientKey(address))).size).toBe(1);
    expect(clientKey('2001:db8:1:3::1')).not.toBe(clientKey('2001:db8:1:2::1'));
  });

  test('the prefix can be any number of bits', () => {
    expect(clientKey('2001:db8:1:ff12::', { ipv6Prefix: 56 })).toBe('2001:db8:1:ff00/56');
    expect(clientKey('2001:db8:1:2::9', { ipv6Prefix: 128 })).toBe('2001:db8:1:2:0:0:0:9/128');
    expect(clientKey('ffff::', { ipv6Prefix: 1 })).toBe('8000/1');
    for (const ipv6Prefix of [0, 129, 1.5, Number.NaN]) {
      expect(() => clientKey('::1', { ipv6Prefix })).toThrow(/ipv6Prefix must be an integer from 1 to 128/);
    }
  });

  test.each([
    '',
    'unknown',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4.5',
    '::1::',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    'g::1',
    '12345::',
    '1.2.3.4::',
    '2001:db8:1:2/64',
    ':'.repeat(100_000),
  ])('what is no address has a key that no address has', (text) => {
    expect(clientKey(text)).toBe(`invalid:${text}`);
  });
});
