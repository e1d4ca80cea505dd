import type { Evictable } from './eviction.ts';

/** Turns that are told apart; whatever is older stands in one line, in the order it got there. */
const TURNS = 64;

/**
 * Entries by the turn of their last use, oldest first. A use only writes its turn into the entry; it moves in here when the queue
 * comes to it (`oldest`), straight to its place. So the order is that of LRU, to within a turn, and a hit moves nothing.
 * Cost: O(1) to add and remove; `oldest` O(1) amortised, since each move uses up a use.
 */
export class RecencyQueue<Entry extends Evictable<Entry>> {
  // One list for each turn, in a ring.
  readonly #newest: (Entry | undefined)[] = new Array<Entry | undefined>(TURNS).fill(undefined);
  readonly #oldest: (Entry | undefined)[] = new Array<Entry | undefined>(TURNS).fill(undefined);
  #first = 0;
  #last = 0;
  size = 0;

  add(entry: Entry, turn: number): void {
    const queuedAt = Math.max(turn, this.#first);
    const place = queuedAt % TURNS;
    const newest = this.#newest[place];
    entry.queuedAt = queuedAt;
    entry.newer = undefined;
    entry.older = newest;
    if (newest === undefined) this.#oldest[place] = entry;
    else newest.newer = entry;
    this.#newest[place] = entry;
    this.size += 1;
  }

  remove(entry: Entry): void {
    const place = Math.max(entry.queuedAt, this.#first) % TURNS;
    if (entry.newer === undefined) this.#newest[place] = entry.older;
    else entry.newer.older = entry.older;
    if (entry.older === undefined) this.#oldest[place] = entry.newer;
    else entry.older.newer = entry.newer;
    entry.newer = undefined;
    entry.older = undefined;
    this.size -= 1;
  }

  /** The first in line; it may have been used since. */
  head(): Entry | undefined {
    if (this.size === 0) return undefined;
    for (;;) {
      const head = this.#oldest[this.#first % TURNS];
      if (head !== undefined) return head;
      this.#first += 1;
    }
  }

  /** A new turn begins: the two oldest lines become one when there are too many. */
  turn(turn: number): void {
    this.#last = turn;
    while (this.#first <= this.#last - TURNS) this.#join(this.#first % TURNS, (this.#first + 1) % TURNS);
  }

  #join(from: number, to: number): void {
    const [newest, oldest] = [this.#newest[from], this.#oldest[to]];
    if (newest !== undefined) {
      newest.newer = oldest;
      if (oldest === undefined) this.#newest[to] = newest;
      else oldest.older = newest;
      this.#oldest[to] = this.#oldest[from];
      this.#newest[from] = undefined;
      this.#oldest[from] = undefined;
    }
    this.#first += 1;
  }
}
