/**
 * A bounded memo of what was asked for lately: two generations of at most `size` entries each. When the young one is full it
 * becomes the old one and the oldest is dropped whole, so a hit costs one or two look-ups and nothing is moved per hit, as a
 * true LRU would.
 */
export function memoizeRecent<Key, Value>(size: number, compute: (key: Key) => Value): (key: Key) => Value {
  let young = new Map<Key, Value>();
  let old = new Map<Key, Value>();
  return (key) => {
    const known = young.get(key);
    if (known !== undefined) return known;
    const value = old.get(key) ?? compute(key);
    if (young.size >= size) {
      old = young;
      young = new Map();
    }
    young.set(key, value);
    return value;
  };
}
