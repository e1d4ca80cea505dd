/** States that newcomers share once a table is full. */
export const OVERFLOW_BUCKETS = 1024;

/** Whose overflow state a key shares: FNV-1a. The seed keeps an outsider from choosing with whom. */
export function overflowOf(key: string, seed: number): number {
  let hash = seed;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) % OVERFLOW_BUCKETS;
}
