/** What an eviction policy keeps in the entries themselves: 64 bytes. Made by `standing`; only the policy changes it. */
export interface Evictable<Entry> {
  /** Of the key, seeded; -2^31 to 2^31 - 1. */
  readonly hash: number;
  /** How often it was used, as far as that is remembered: 0 to 15. */
  uses: number;
  /** The turn in which it was last used. */
  usedAt: number;
  /** The turn by which it stands in its queue: `usedAt`, or earlier when it was used since. */
  queuedAt: number;
  segment: Segment;
  newer: Entry | undefined;
  older: Entry | undefined;
}

/** Where an entry stands: just come, on trial in the main part, or used there. */
export type Segment = 0 | 1 | 2;

export const WINDOW = 0;
export const PROBATION = 1;
export const PROTECTED = 2;

/** Decides who leaves L1 when it is full. L1 tells it of each event, and asks it for a victim. */
export interface Eviction<Entry> {
  add(entry: Entry): void;
  /** On every hit: has to be cheap. */
  touch(entry: Entry): void;
  remove(entry: Entry): void;
  /** Who should leave next. Undefined when there is nobody. */
  victim(): Entry | undefined;
}
