import { expect, test } from 'vitest';
import { createSipHash } from './sip-hash.ts';

const key = Uint8Array.from({ length: 16 }, (_, at) => at);
const message = Uint8Array.from({ length: 64 }, (_, at) => at);

// From the reference implementation's table of vectors: key 00 01 .. 0f, message of n bytes 00 01 .. n-1.
test.each([
  [0, '726fdb47dd0e0e31'],
  [1, '74f839c593dc67fd'],
  [7, 'ab0200f58b01d137'],
  [8, '93f5f5799a932462'],
  [15, 'a129ca6149be45e5'],
])('SipHash-2-4 of %i bytes is that of the paper', (length, digest) => {
  const into = new DataView(new ArrayBuffer(24));
  createSipHash(key)(message, length, into, 8);
  expect(into.getBigUint64(8, true).toString(16).padStart(16, '0')).toBe(digest);
  expect([into.getBigUint64(0), into.getBigUint64(16)]).toEqual([0n, 0n]);
});

test('a key of another length is refused', () => {
  expect(() => createSipHash(new Uint8Array(8))).toThrow('A SipHash key has 16 bytes, got 8');
});
