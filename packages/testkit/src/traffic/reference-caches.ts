import { seededRandom } from '@spillway/kernel';

/** How many of the uses, of 0 to 1, find their key in a cache of so many entries that evicts the least recently used. */
export function lruHitRate(keys: readonly string[], capacity: number): number {
  const cache = new Set<string>();
  let hits = 0;
  for (const key of keys) {
    if (cache.delete(key)) hits += 1;
    else if (cache.size >= capacity) cache.delete(cache.values().next().value as string);
    cache.add(key);
  }
  return hits / keys.length;
}

/** The same for LRU as Redis approximates it: of five entries drawn at random, with the best of earlier draws, the oldest leaves. */
export function sampledLruHitRate(keys: readonly string[], capacity: number, seed = 1): number {
  const random = seededRandom(seed);
  const usedAt = new Map<string, number>();
  const drawable: string[] = [];
  const pool = new Set<string>();
  const age = (key: string) => usedAt.get(key) ?? Number.POSITIVE_INFINITY;
  const evict = (): void => {
    for (let draw = 0; draw < 5; draw += 1) pool.add(drawable[Math.floor(random() * drawable.length)] as string);
    const candidates = [...pool].filter((key) => usedAt.has(key)).sort((a, b) => age(a) - age(b));
    const [oldest, ...others] = candidates as [string, ...string[]];
    pool.clear();
    for (const key of others.slice(0, 15)) pool.add(key);
    usedAt.delete(oldest);
    const last = drawable.pop() as string;
    const place = places.get(oldest) as number;
    places.delete(oldest);
    if (last === oldest) return;
    drawable[place] = last;
    places.set(last, place);
  };
  const places = new Map<string, number>();
  let hits = 0;
  for (const [now, key] of keys.entries()) {
    if (usedAt.has(key)) hits += 1;
    else {
      if (usedAt.size >= capacity) evict();
      places.set(key, drawable.length);
      drawable.push(key);
    }
    usedAt.set(key, now);
  }
  return hits / keys.length;
}

/** The most that any cache could find: the entry leaves that is not used for the longest time to come (Belady 1966). */
export function optimalHitRate(keys: readonly string[], capacity: number): number {
  const never = keys.length;
  const nextUse = new Array<number>(keys.length);
  const upcoming = new Map<string, number>();
  for (let at = keys.length - 1; at >= 0; at -= 1) {
    const key = keys[at] as string;
    nextUse[at] = upcoming.get(key) ?? never + at;
    upcoming.set(key, at);
  }
  // What is held, by its next use: the place of a use holds its key, and the largest one is found by walking down.
  const held = new Map<string, number>();
  const due = new Uint8Array(2 * keys.length);
  let farthest = 0;
  let hits = 0;
  for (const [at, key] of keys.entries()) {
    const next = nextUse[at] as number;
    if (held.has(key)) {
      hits += 1;
      due[at] = 0;
    } else if (held.size >= capacity) {
      while (due[farthest] === 0) farthest -= 1;
      due[farthest] = 0;
      held.delete(keyAt(farthest));
    }
    held.set(key, next);
    due[next] = 1;
    if (next > farthest) farthest = next;
  }
  return hits / keys.length;

  function keyAt(use: number): string {
    return (use < never ? keys[use] : keys[use - never]) as string;
  }
}
