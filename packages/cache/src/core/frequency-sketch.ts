/** Four bits a counter. */
export const MAX_USES = 15;

/** Places a row, at least: below, the keys that only pass by would lift all counts of a small cache. 8 KiB in all. */
const LEAST_PLACES = 4_096;

const ROWS = [0x9e3779b1, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f] as const;

/** How often keys were used that may have left since, by their hashes; never too low, seldom too high. */
export interface FrequencySketch {
  uses(hash: number): number;
  /** Notes that this many uses are known. */
  raise(hash: number, uses: number): void;
  /** Forgets half of everything. */
  halve(): void;
  /** Makes room for a cache of so many entries, and keeps what is known. */
  grow(entries: number): void;
}

/**
 * A count-min sketch: four rows of 4-bit counters, 16 to 32 counters (8 to 16 bytes) for each entry of the cache, nothing for the
 * keys themselves. Cost: O(1) for `uses` and `raise`; `halve` and `grow` O(size), a word for eight counters.
 * Source: Cormode and Muthukrishnan, "An Improved Data Stream Summary", 2005; the halving: Einziger, Friedman, Manes, "TinyLFU", 2017.
 */
export function createFrequencySketch(): FrequencySketch {
  let places = LEAST_PLACES;
  let words = new Int32Array((places * ROWS.length) / 8);

  const counter = (hash: number, row: number): number => {
    let mixed = Math.imul(hash ^ (hash >>> 16), ROWS[row] as number);
    mixed ^= mixed >>> 15;
    return (mixed & (places - 1)) * ROWS.length + row;
  };
  const read = (at: number): number => ((words[at >> 3] as number) >>> ((at & 7) << 2)) & MAX_USES;

  return {
    uses(hash) {
      let least = MAX_USES;
      for (let row = 0; row < ROWS.length; row += 1) least = Math.min(least, read(counter(hash, row)));
      return least;
    },
    raise(hash, uses) {
      for (let row = 0; row < ROWS.length; row += 1) {
        const at = counter(hash, row);
        const more = uses - read(at);
        if (more > 0) words[at >> 3] = (words[at >> 3] as number) + (more << ((at & 7) << 2));
      }
    },
    halve() {
      for (let at = 0; at < words.length; at += 1) words[at] = ((words[at] as number) >>> 1) & 0x77777777;
    },
    grow(entries) {
      while (places < 4 * entries) {
        // A place takes one more bit of its hash: both halves begin with what was known of either.
        const grown = new Int32Array(words.length * 2);
        grown.set(words);
        grown.set(words, words.length);
        words = grown;
        places *= 2;
      }
    },
  };
}
