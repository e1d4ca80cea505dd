/**
 * 32 bits of a text, for counting only: two texts that meet share a count, never a value. The seed keeps who sends the keys from
 * choosing texts that meet. O(length); a cache keeps it with the entry, so that a hit never hashes.
 * Source: FNV-1a over UTF-16 units, finished as in MurmurHash3 (Appleby).
 */
export function hashKey(text: string, seed: number): number {
  let hash = seed ^ 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
    hash ^= hash >>> 15;
  }
  return mix(hash);
}

/** Spreads the bits of a 32-bit number over all of it. */
export function mix(bits: number): number {
  let mixed = bits ^ (bits >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
