import type { Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createClientAddresses, isLoopback } from './client-address.ts';

describe('the client address', () => {
  test('is the peer when nobody is trusted, whatever the header says', () => {
    const addresses = createClientAddresses([]);
    expect(addresses.of('203.0.113.1', '1.2.3.4')).toBe('203.0.113.1');
    expect(addresses.of(undefined, '1.2.3.4')).toBe('0.0.0.0');
  });

  test('is what a trusted proxy wrote last, and not what the client wrote before', () => {
    const addresses = createClientAddresses(['10.0.0.0/8', 'loopback']);
    expect(addresses.of('10.1.1.1', '1.2.3.4')).toBe('1.2.3.4');
    expect(addresses.of('::ffff:10.1.1.1', '1.2.3.4')).toBe('1.2.3.4');
    expect(addresses.of('10.1.1.1', '6.6.6.6, 1.2.3.4')).toBe('1.2.3.4');
    expect(addresses.of('10.1.1.1', '6.6.6.6, 1.2.3.4, 10.2.2.2')).toBe('1.2.3.4');
    expect(addresses.of('::1', '10.3.3.3, 10.2.2.2')).toBe('10.3.3.3');
    expect(addresses.of('203.0.113.1', '1.2.3.4')).toBe('203.0.113.1');
  });

  test('stops at what is no address', () => {
    const addresses = createClientAddresses(['loopback']);
    for (const header of ['unknown', '', '1.2.3', '999.1.1.1', '127.1', '<script>']) {
      expect(addresses.of('127.0.0.1', header), header).toBe('127.0.0.1');
    }
    expect(addresses.of('127.0.0.1', '1.2.3.4, nonsense')).toBe('127.0.0.1');
  });

  test('leaves ports and brackets away', () => {
    const addresses = createClientAddresses(['127.0.0.1']);
    expect(addresses.of('127.0.0.1', '1.2.3.4:5678')).toBe('1.2.3.4');
    expect(addresses.of('127.0.0.1', '[2001:db8::1]:443')).toBe('2001:db8::1');
  });

  test('of a connection is that of its peer, which is looked at only once', () => {
    const headers = [
      undefined,
      '1.2.3.4',
      '6.6.6.6, 1.2.3.4',
      '10.9.9.9, 127.0.0.1',
      ' 1.2.3.4',
      '[2001:db8::1]:443',
      'rubbish',
    ];
    for (const trusted of [[], ['loopback']]) {
      const addresses = createClientAddresses(trusted);
      for (const remoteAddress of ['127.0.0.1', '203.0.113.1', undefined]) {
        const connection = { remoteAddress } as Socket;
        for (const header of [...headers, ...headers]) {
          const same = addresses.of(remoteAddress, header);
          expect(addresses.ofConnection(connection, header), `${trusted} ${remoteAddress} ${header}`).toBe(same);
        }
      }
    }
  });

  test('knows loopback in every form', () => {
    for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) expect(isLoopback(address)).toBe(true);
    for (const address of ['10.0.0.1', '::', 'localhost', '']) expect(isLoopback(address)).toBe(false);
  });
});
