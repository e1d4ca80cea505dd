/** What an eviction policy keeps in the entries themselves. */
export interface Evictable<Entry> {
  visited: boolean;
  newer: Entry | undefined;
  older: Entry | undefined;
}

/** Decides who leaves L1 when it is full. The seam for another policy: L1 tells it of each event, and asks it for a victim. */
export interface Eviction<Entry> {
  add(entry: Entry): void;
  /** On every hit: has to be cheap. */
  touch(entry: Entry): void;
  remove(entry: Entry): void;
  /** Who should leave next; it stays until it is removed. */
  victim(): Entry | undefined;
}

/**
 * SIEVE: a queue and a hand. A hit only marks the entry; the hand walks from the oldest to the newest, spares marked entries once
 * and unmarks them, and takes the first unmarked. Unlike LRU a hit moves nothing, and a scan washes out only itself.
 * Cost: O(1) per hit, O(1) amortised per eviction (each step of the hand uses up one mark).
 * Source: Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024.
 */
export function createSieve<Entry extends Evictable<Entry>>(): Eviction<Entry> {
  let newest: Entry | undefined;
  let oldest: Entry | undefined;
  let hand: Entry | undefined;
  return {
    add(entry) {
      entry.visited = false;
      entry.newer = undefined;
      entry.older = newest;
      if (newest !== undefined) newest.newer = entry;
      newest = entry;
      oldest ??= entry;
    },
    touch(entry) {
      entry.visited = true;
    },
    remove(entry) {
      if (hand === entry) hand = entry.newer;
      if (entry.newer === undefined) newest = entry.older;
      else entry.newer.older = entry.older;
      if (entry.older === undefined) oldest = entry.newer;
      else entry.older.newer = entry.newer;
      entry.newer = undefined;
      entry.older = undefined;
    },
    victim() {
      let candidate = hand ?? oldest;
      while (candidate?.visited === true) {
        candidate.visited = false;
        candidate = candidate.newer ?? oldest;
      }
      hand = candidate;
      return candidate;
    },
  };
}
