import { ConfigurationError } from '@spillway/kernel';
import { fromBase58, toBase58 } from './core/base58.ts';
import { chacha20RoundFunction } from './core/chacha20.ts';
import { createPermutation } from './core/permutation.ts';
import { IdOutOfRangeError } from './errors.ts';
import { deriveKey, parseSecret } from './secret.ts';

export interface ShortCodeOptions {
  /** At least 16 characters; the codes are as hard to guess as it is. Never changes (`assertSecret`). */
  readonly secret: string;
  /** Digits per code, 3 to 9. Default 7: 2.2 million million codes. Codes of different lengths never meet. */
  readonly length?: number;
}

export interface ShortCode {
  /** How many codes there are: ids 0 ... size - 1 have one. */
  readonly size: number;
  /** @throws {IdOutOfRangeError} when `id` is not an integer in [0, size) */
  encode(id: number): string;
  /** The id behind a code; `undefined` for what can not be a code. Never throws. A code nobody made decodes to an id nobody has. */
  decode(code: string): number | undefined;
}

const SHORTEST = 3;
const LONGEST = 9;

/** Sequential ids as unguessable codes that never collide: a keyed permutation, written in base 58. */
export function createShortCode({ secret, length = 7 }: ShortCodeOptions): ShortCode {
  if (!Number.isInteger(length) || length < SHORTEST || length > LONGEST) {
    throw new ConfigurationError('A short code can not be made like this:', [
      { path: 'length', message: `must be an integer from ${SHORTEST} to ${LONGEST}, got ${String(length)}` },
    ]);
  }
  const size = 58 ** length;
  const key = deriveKey(parseSecret(secret), `short-code v1 length ${length}`, 32);
  const permutation = createPermutation(size, chacha20RoundFunction(key));
  return {
    size,
    encode(id) {
      if (!Number.isInteger(id) || id < 0 || id >= size) throw new IdOutOfRangeError(id, size, length);
      return toBase58(permutation.apply(id), length);
    },
    decode(code) {
      if (typeof code !== 'string') return undefined;
      const value = fromBase58(code, length);
      return value === undefined ? undefined : permutation.invert(value);
    },
  };
}
