import { describe, expect, test } from 'vitest';
import { clientAddress } from './client-address.ts';

describe('the address of a client behind proxies', () => {
  const behind = clientAddress(['10.0.0.0/8', '192.0.2.7', '2001:db8:ffff::/48', 'loopback']);

  test.each([
    ['nobody in between', '203.0.113.9', undefined, '203.0.113.9'],
    ['a peer that is no proxy is not believed', '203.0.113.9', '1.1.1.1', '203.0.113.9'],
    ['a proxy is', '10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['what the client wrote itself is not reached', '10.0.0.1', '1.1.1.1, 203.0.113.9', '203.0.113.9'],
    ['proxies in a row are stepped over', '127.0.0.1', '1.1.1.1,203.0.113.9 , 10.9.9.9,192.0.2.7', '203.0.113.9'],
    ['a chain of nothing but proxies ends with the first', '::1', '10.0.0.2, 10.0.0.3', '10.0.0.2'],
    ['a proxy that names nobody', '10.0.0.1', '', '10.0.0.1'],
    ['IPv4 written as IPv6', '::ffff:10.0.0.1', '203.0.113.9', '203.0.113.9'],
    ['ports and brackets', '2001:db8:ffff:1::2', '[2001:db8::5]:4711', '2001:db8::5'],
    ['an address and its port', '10.0.0.1', '203.0.113.9:80', '203.0.113.9'],
    ['nonsense is nobody, and what is left of it is not looked at', '10.0.0.1', '203.0.113.9, unknown', '10.0.0.1'],
    ['an empty hop', '10.0.0.1', '203.0.113.9,', '10.0.0.1'],
    ['a network of IPv6 next to ours', '2001:db8:fffe::1', '203.0.113.9', '2001:db8:fffe::1'],
    ['an address next to ours', '192.0.2.8', '203.0.113.9', '192.0.2.8'],
  ])('%s', (_name, peer, forwardedFor, client) => {
    expect(behind(peer, forwardedFor)).toBe(client);
  });

  test('a network of IPv6 holds no IPv4', () => {
    expect(clientAddress(['::/64'])('10.0.0.1', '203.0.113.9')).toBe('10.0.0.1');
    expect(clientAddress(['0.0.0.0/0'])('10.0.0.1', '203.0.113.9')).toBe('203.0.113.9');
    expect(clientAddress(['0.0.0.0/0'])('::1', '203.0.113.9')).toBe('::1');
  });

  test('prefixes that end within a byte', () => {
    const some = clientAddress(['172.16.0.0/12', '2001:db8::/33']);
    expect(some('172.31.255.255', '203.0.113.9')).toBe('203.0.113.9');
    expect(some('172.32.0.0', '203.0.113.9')).toBe('172.32.0.0');
    expect(some('2001:db8:7fff::1', '203.0.113.9')).toBe('203.0.113.9');
    expect(some('2001:db8:8000::1', '203.0.113.9')).toBe('2001:db8:8000::1');
  });

  test('with no proxies nobody is believed', () => {
    expect(clientAddress([])('127.0.0.1', '203.0.113.9')).toBe('127.0.0.1');
  });

  test('every entry that is neither address nor network is named', () => {
    const wrong = ['10.0.0.0/33', 'proxy.internal', '', '::/129', '[::1]', '10.0.0.1:80', '10.0.0.0/8/8', '10.0.0.0/'];
    expect(() => clientAddress(['10.0.0.1', ...wrong])).toThrow(
      expect.objectContaining({
        issues: wrong.map((_, at) => expect.objectContaining({ path: `trustedProxies[${at + 1}]` })),
      }),
    );
  });

  test('a long header costs no more than its right end', () => {
    expect(behind('10.0.0.1', `${'1.1.1.1,'.repeat(100_000)}203.0.113.9`)).toBe('203.0.113.9');
  });
});
