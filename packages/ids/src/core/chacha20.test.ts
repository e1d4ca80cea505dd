import { createCipheriv } from 'node:crypto';
import { seededRandom } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { createChaCha20 } from './chacha20.ts';

const SEED = 8_439;

describe('ChaCha20', () => {
  test('makes the block of RFC 8439, section 2.3.2', () => {
    const key = Uint8Array.from({ length: 32 }, (_, index) => index);
    // The nonce is given as bytes there: 00:00:00:09:00:00:00:4a:00:00:00:00.
    const words = createChaCha20(key)(1, 0x09000000, 0x4a000000, 0);
    expect([...words].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join(' ')).toBe(
      'e4e7f110 15593bd1 1fdd0f50 c47120a3 c7f4d1c7 0368c033 9aaa2204 4e6cd4c3 ' +
        '466482d2 09aa9f07 05d7c214 a2028bd9 d19c12b5 b94e16de e883d0cb 4e3c50a2',
    );
  });

  test(`agrees with OpenSSL on a thousand random keys and blocks (seed ${SEED})`, () => {
    const random = seededRandom(SEED);
    const word = () => Math.floor(random() * 2 ** 32);
    for (let sample = 0; sample < 1_000; sample++) {
      const key = Buffer.alloc(32);
      for (let offset = 0; offset < 32; offset += 4) key.writeUInt32LE(word(), offset);
      const input = [word(), word(), word(), word()] as const;
      const iv = Buffer.alloc(16);
      for (const [index, value] of input.entries()) iv.writeUInt32LE(value, 4 * index);
      const theirs = createCipheriv('chacha20', key, iv).update(Buffer.alloc(64));
      const ours = createChaCha20(key)(...input);
      expect([...ours]).toEqual(Array.from({ length: 16 }, (_, index) => theirs.readInt32LE(4 * index)));
    }
  });

  test('takes a key from the middle of a larger buffer', () => {
    const larger = new Uint8Array(64).fill(7, 16, 48);
    const own = new Uint8Array(32).fill(7);
    expect(createChaCha20(larger.subarray(16, 48))(1, 2, 3, 4)).toEqual(createChaCha20(own)(1, 2, 3, 4));
  });
});
