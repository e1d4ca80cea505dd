import type { Evictable, Segment } from './eviction.ts';
import type { Tagged } from './tag-index.ts';

/** The epoch of entries under tags, which is none: so that the others need not be asked for theirs with every hit. */
export const UNDER_TAGS = -1;

/** What an entry is under, and its epoch. */
export interface EntryUnderTags {
  readonly under: Tagged;
  readonly epoch: number;
}

/** One entry of L1. Also what `peek` hands out, so that a hit allocates nothing: callers see it through `PeekedEntry`. */
export interface L1Entry<Value> extends Evictable<L1Entry<Value>> {
  readonly key: string;
  value: Value | undefined;
  negative: boolean;
  /** By the cache's clock. Reads of it are fresh and ask nothing more until then; an early refresh may be due from then on. */
  freshUntilUs: number;
  /** When it has to be proven again, whatever its time to live. */
  ceilingUs: number;
  /** When it must not be used at all any more. */
  usableUntilUs: number;
  /** What it was read under: an entry of another epoch may have missed an invalidation, and has to be proven again. */
  epoch: number;
  tagged: EntryUnderTags | undefined;
  bytes: number;
  /** As of the last `peek`. */
  state: 'fresh' | 'due' | 'stale';
  // Of the eviction policy, as `Evictable` says.
  readonly hash: number;
  uses: number;
  usedAt: number;
  queuedAt: number;
  segment: Segment;
  newer: L1Entry<Value> | undefined;
  older: L1Entry<Value> | undefined;
}
