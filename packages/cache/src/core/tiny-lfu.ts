import { type Evictable, type Eviction, PROBATION, PROTECTED, type Segment, WINDOW } from './eviction.ts';
import { createFrequencySketch, MAX_USES } from './frequency-sketch.ts';
import { RecencyQueue } from './recency-queue.ts';

/** By what an entry stays: how recently, or how often it was used. */
export type Preference = 'recent' | 'frequent';

/** Of all entries, those that have just come and are not judged yet. */
const WINDOW_SHARE = 0.01;
/** Of the rest, those that were used there, and need not stand up to every newcomer. */
const PROTECTED_SHARE = 0.8;

/** So many uses more a newcomer needs. With none, a scan that turns back throws out half of the cache each time, in vain. */
const LEAD = 2;

/** A turn lasts for so many uses, as a part of the entries: what LRU would tell apart within one, this does not. */
const TURNS_PER_SIZE = 32;
/** Counts are halved after ten uses per entry. */
const TURNS_PER_HALVING = 10 * TURNS_PER_SIZE;

/**
 * W-TinyLFU that can turn into LRU. New entries stand in a small window. Who leaves it has to have been used oftener than who is next
 * to leave the main part, or goes itself; the main part is a segmented LRU. By `prefer: 'recent'` the least recently used of all
 * leaves, wherever it stands, so that the one turns into the other without moving anything.
 *
 * Unlike in the papers, a hit changes but the entry: its uses are counted there while it is in, and in the sketch once it is out;
 * the queues follow when they come to it. And a newcomer, which was used just now, needs a lead over one that was not for long.
 *
 * Cost: O(1) per hit without allocation, O(1) amortised per entry that comes or goes. Memory: 64 bytes an entry, and the sketch.
 * Sources: Einziger, Friedman, Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", ACM ToS 2017; the segments: Karedla, Love,
 * Wherry, "Caching Strategies to Improve Disk System Performance", 1994, as in Caffeine; turns instead of moves: the
 * generations of Linux's multi-generational LRU.
 */
export class TinyLfu<Entry extends Evictable<Entry>> implements Eviction<Entry> {
  prefer: Preference = 'frequent';
  readonly #queues: readonly [RecencyQueue<Entry>, RecencyQueue<Entry>, RecencyQueue<Entry>] = [
    new RecencyQueue(),
    new RecencyQueue(),
    new RecencyQueue(),
  ];
  readonly #sketch = createFrequencySketch();
  #turn = 0;
  #leftInTurn = 1;
  // The turn of the last halving.
  #halvedAt = 0;

  get size(): number {
    return this.#queues[WINDOW].size + this.#queues[PROBATION].size + this.#queues[PROTECTED].size;
  }

  add(entry: Entry): void {
    this.#sketch.grow(this.size + 1);
    entry.uses = Math.min(MAX_USES, this.#sketch.uses(entry.hash) + 1);
    entry.usedAt = this.#turn;
    entry.segment = WINDOW;
    this.#queues[WINDOW].add(entry, this.#turn);
    this.#fillMain();
    this.#count();
  }

  touch(entry: Entry): void {
    if (entry.usedAt < this.#halvedAt) entry.uses = this.#uses(entry);
    entry.usedAt = this.#turn;
    if (entry.uses < MAX_USES) entry.uses += 1;
    this.#count();
  }

  remove(entry: Entry): void {
    this.#sketch.raise(entry.hash, this.#uses(entry));
    this.#queues[entry.segment].remove(entry);
  }

  victim(): Entry | undefined {
    return this.prefer === 'recent' ? this.#leastRecent() : this.#leastFrequent();
  }

  #leastRecent(): Entry | undefined {
    let least = this.#oldest(WINDOW);
    for (const segment of [PROBATION, PROTECTED] as const) {
      const entry = this.#oldest(segment);
      if (least === undefined || (entry !== undefined && entry.usedAt < least.usedAt)) least = entry ?? least;
    }
    return least;
  }

  #leastFrequent(): Entry | undefined {
    this.#demote();
    const incumbent = this.#oldest(PROBATION) ?? this.#oldest(PROTECTED);
    if (incumbent !== undefined && this.#queues[WINDOW].size <= this.#windowSize()) return incumbent;
    const newcomer = this.#oldest(WINDOW);
    if (newcomer === undefined || incumbent === undefined) return newcomer ?? incumbent;
    if (this.#uses(newcomer) <= this.#uses(incumbent) + LEAD) return newcomer;
    this.#move(newcomer, PROBATION, newcomer.queuedAt);
    return incumbent;
  }

  #windowSize(): number {
    return Math.max(1, Math.round(this.size * WINDOW_SHARE));
  }

  /** While there is room for all: whoever leaves the window goes to the main part unasked. Two at most, so that no call is long. */
  #fillMain(): void {
    const most = this.#windowSize() + 1;
    for (let moved = 0; moved < 2 && this.#queues[WINDOW].size > most; moved += 1) {
      const newcomer = this.#oldest(WINDOW);
      if (newcomer !== undefined) this.#move(newcomer, PROBATION, newcomer.queuedAt);
    }
  }

  /** Keeps the protected part within its share. */
  #demote(): void {
    const most = Math.floor((this.size - this.#queues[WINDOW].size) * PROTECTED_SHARE);
    while (this.#queues[PROTECTED].size > most) {
      const entry = this.#oldest(PROTECTED);
      if (entry !== undefined) this.#move(entry, PROBATION, entry.queuedAt);
    }
  }

  /** The least recently used of a segment, once those that were used since have moved to their places. */
  #oldest(segment: Segment): Entry | undefined {
    const queue = this.#queues[segment];
    for (let head = queue.head(); head !== undefined; head = queue.head()) {
      if (head.usedAt <= head.queuedAt) return head;
      const rises = segment === PROBATION && this.prefer === 'frequent';
      this.#move(head, rises ? PROTECTED : segment, head.usedAt);
      if (rises) this.#demote();
    }
    return undefined;
  }

  #move(entry: Entry, to: Segment, turn: number): void {
    this.#queues[entry.segment].remove(entry);
    entry.segment = to;
    this.#queues[to].add(entry, turn);
  }

  /** What has been halved since its last use is so in the entries, too, though nobody went through them. */
  #uses(entry: Entry): number {
    return entry.uses >> Math.min(4, halvings(this.#turn) - halvings(entry.usedAt));
  }

  #count(): void {
    this.#leftInTurn -= 1;
    if (this.#leftInTurn > 0) return;
    this.#turn += 1;
    this.#leftInTurn = Math.max(1, Math.floor(this.size / TURNS_PER_SIZE));
    for (const queue of this.#queues) queue.turn(this.#turn);
    if (this.#turn % TURNS_PER_HALVING !== 0) return;
    this.#halvedAt = this.#turn;
    this.#sketch.halve();
  }
}

const halvings = (turn: number): number => Math.floor(turn / TURNS_PER_HALVING);
