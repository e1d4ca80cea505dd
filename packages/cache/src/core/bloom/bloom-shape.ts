/** How many bits a filter has, and how many of them stand for one key. */
export interface BloomShape {
  readonly bits: number;
  readonly hashes: number;
}

/** The largest bitmap that Redis has, 512 MiB, less what marks its state. */
export const MAX_BITS = 2 ** 32 - 8;

/**
 * The smallest filter that, holding `capacity` keys, takes at most the share `errorRate` of all others for its own: m = -n ln p / ln² 2
 * bits and k = m/n ln 2 hashes (Bloom 1970). Beyond its capacity it errs more often, in the same direction.
 */
export function bloomShape(capacity: number, errorRate: number): BloomShape {
  const bits = Math.max(64, Math.ceil((-capacity * Math.log(errorRate)) / Math.LN2 ** 2));
  const hashes = Math.max(1, Math.round((bits / capacity) * Math.LN2));
  // Few keys in the least of bits would make hundreds of hashes; more than the rate needs are of no use.
  return { bits, hashes: Math.min(hashes, Math.ceil(-Math.log2(errorRate)) + 1) };
}

/** Two independent numbers from 0 to 2^48 - 1, for one key. */
export interface KeyHash {
  readonly a: number;
  readonly b: number;
}

/**
 * The bits of one key: a + i b for i < k, which is as good as k hashes (Kirsch and Mitzenmacher 2006). The step is never a whole
 * turn, so that the bits of one key are not all the same one.
 */
export function bloomBits({ a, b }: KeyHash, { bits, hashes }: BloomShape): number[] {
  const start = a % bits;
  const step = 1 + (b % (bits - 1));
  // Below 2^32 x 2^6: exact.
  return Array.from({ length: hashes }, (_, i) => (start + i * step) % bits);
}
