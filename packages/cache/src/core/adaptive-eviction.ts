import type { Evictable, Eviction } from './eviction.ts';
import { SampledCache } from './sampled-cache.ts';
import { TinyLfu } from './tiny-lfu.ts';

/** Keys in each of the two samples, at most. */
const SAMPLE = 256;
/** From there on down a larger part of the keys is sampled. Far below `SAMPLE`, so that a size that sways changes nothing. */
const LEAST_SAMPLE = 96;

/** What one capacity's worth of uses can prove, in capacities: a scan that turns round favours the other side just as much soon. */
const MOST_AT_ONCE = 0.1;
/** So many hits more than the other side, in capacities, and the preference changes. */
const PROVEN = 0.2;

/**
 * Evicts by frequency (`TinyLfu`) where that hits more, and as LRU does where that hits more. Which of the two does, two small
 * caches tell that see a sample of the keys: one keeps to frequency, one is LRU. So it beats LRU on loops, scans and skewed keys, and
 * where recency is all that counts it is LRU, but for the time it takes to find out.
 *
 * Cost: that of `TinyLfu`, and some 50 ns for the uses of sampled keys: 256 of the entries there is room for, e.g. one in 40
 * of 10,000. Memory: 64 bytes an entry, 8 to 16 of the sketch, and some 80 KiB.
 *
 * Who may send keys could try to fill the sketch with keys that meet those of others: the hashes are seeded (`hashKey`).
 * Sources: see `TinyLfu` and `SampledCache`; that a fixed window loses on recency, and has to adapt: Einziger, Eytan, Friedman, Manes,
 * "Adaptive Software Cache Management", Middleware 2018, whose hill climbing needs longer than these traces last.
 */
export function createAdaptiveEviction<Entry extends Evictable<Entry>>(maxEntries: number): Eviction<Entry> {
  const policy = new TinyLfu<Entry>();
  const frequent = new SampledCache('frequent');
  const recent = new SampledCache('recent');
  let mask = 0;
  let capacity = 1;
  let uses = 0;
  let aheadNow = 0;
  let ahead = 0;

  const resize = (entries: number): void => {
    // Of n entries the part that 1 in 2^k keys is.
    let bits = 32 - Math.clz32(mask);
    while (entries / 2 ** bits > SAMPLE) bits += 1;
    while (bits > 0 && entries / 2 ** bits < LEAST_SAMPLE) bits -= 1;
    mask = 2 ** bits - 1;
    capacity = Math.max(1, Math.round(entries / 2 ** bits));
  };

  const judge = (): void => {
    const most = MOST_AT_ONCE * capacity;
    const enough = Math.max(1, PROVEN * capacity);
    ahead = within(ahead + within(aheadNow, most), enough);
    aheadNow = 0;
    uses = 0;
    if (ahead >= enough) policy.prefer = 'recent';
    else if (ahead <= -enough) policy.prefer = 'frequent';
  };

  const sample = (hash: number): void => {
    aheadNow += recent.use(hash, capacity) - frequent.use(hash, capacity);
    uses += 1;
    if (uses >= capacity) judge();
  };

  resize(Math.min(maxEntries, 2 ** 30));
  return {
    add(entry) {
      policy.add(entry);
      if ((entry.hash & mask) === 0) sample(entry.hash);
    },
    touch(entry) {
      policy.touch(entry);
      if ((entry.hash & mask) === 0) sample(entry.hash);
    },
    remove: (entry) => policy.remove(entry),
    victim() {
      // What the entries weigh may leave room for fewer than was said.
      resize(policy.size);
      return policy.victim();
    },
  };
}

const within = (value: number, most: number): number => Math.max(-most, Math.min(most, value));
