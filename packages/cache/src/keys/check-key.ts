/** Keys of one `getMany`: they wait for each other, and their values come within one deadline of the store. */
const MAX_KEYS = 1_000;

export function checkKey(key: unknown): void {
  if (typeof key !== 'string') throw new TypeError(`A cache key is a string, got ${typeof key}; write e.g. String(id)`);
}

/** The keys, if that is what they are, and not too many at once. */
export function checkKeys(keys: unknown): readonly string[] {
  if (!Array.isArray(keys)) throw new TypeError(`getMany takes an array of keys, got ${typeof keys}; write [...keys]`);
  if (keys.length > MAX_KEYS) {
    throw new RangeError(`getMany takes at most ${MAX_KEYS} keys, got ${keys.length}; ask for them in several calls`);
  }
  keys.forEach(checkKey);
  return keys;
}
