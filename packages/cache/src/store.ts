import type { Outdated } from './core/outdated.ts';
import type { EntryTag, TagRecord } from './core/tag-record.ts';

export type { EntryTag, TagRecord } from './core/tag-record.ts';

/** Whether a store answers: `down` is not asked at all, `degraded` is. */
export type StoreState = 'up' | 'degraded' | 'down';

/** The second tier: shared by every instance, e.g. Redis. One store serves any number of caches. */
export interface CacheStore {
  readonly state: StoreState;
  onState(listener: (state: StoreState, previous: StoreState) => void): () => void;
  /** The part of the store that belongs to the cache of this name. No two names, whatever they hold, share a key (G8). */
  open(name: string): CacheSpace;
}

/**
 * What a store knows about a key. Every answer but `absent` carries a token: whoever loads the value may `fill` with it,
 * and only if nobody invalidated, filled or lost the key in between.
 */
export type StoreRead =
  | { readonly kind: 'absent' }
  /** No value: somebody is loading it, and anyone may. */
  | { readonly kind: 'claimed'; readonly token: string }
  /** No value, since it was invalidated: no older copy of it may be served. */
  | { readonly kind: 'deleted'; readonly token: string }
  /**
   * A value, as text; `freshForMs` is negative once it is stale. `doubted`: it may have been invalidated, and the store has lost that; it
   * is not fresh, and may do nothing but stand in. With `tags` it is worth what their records say.
   */
  | {
      readonly kind: 'value';
      readonly token: string;
      readonly freshForMs: number;
      readonly text: string;
      readonly doubted?: true;
      readonly tags?: readonly EntryTag[] | undefined;
    }
  /** The loader said that there is no such thing. `deleted`: after it had been invalidated; no older copy may be served. */
  | {
      readonly kind: 'negative';
      readonly token: string;
      readonly freshForMs: number;
      readonly deleted?: true;
      readonly tags?: readonly EntryTag[] | undefined;
    };

/** What to put into the store after a load. */
export interface StoreFill {
  /** From the `read` or `claim` that came before the load. */
  readonly token: string;
  /** The encoded value; undefined is a negative entry. */
  readonly text: string | undefined;
  /** How long it is fresh from now on, by the store's clock. */
  readonly freshForMs: number;
  /** How long it may be kept at all: fresh, then stale. At least 1. */
  readonly keepForMs: number;
  /** How long ago its load began. */
  readonly loadedAgoMs: number;
  /** What it is under, as their records stood before the load. Comes back with every `read`. */
  readonly tags?: readonly EntryTag[] | undefined;
}

/** How long a value is to last. */
export type StoreTouch = Pick<StoreFill, 'token' | 'freshForMs' | 'keepForMs'>;

/**
 * One cache's keys. Every method answers within the store's own deadline, or rejects. A call past its deadline may still run
 * later, once: each is harmless then, since it only takes away or compares its token first.
 */
export interface CacheSpace {
  /**
   * One round trip, one key. With `claimMs` the store may leave a fill token for so long where there is nothing, as `claim` does;
   * whoever gets `absent` has to `claim`.
   */
  read(key: string, claimMs?: number): Promise<StoreRead>;
  /** After `absent`, before the load: leaves a fill token for `forMs`, or answers what came meanwhile. */
  claim(key: string, forMs: number): Promise<Exclude<StoreRead, { kind: 'absent' }>>;
  /** A negative entry in place of what was `deleted` ends as `deleted`, for as long as that was to be remembered. */
  fill(key: string, fill: StoreFill): Promise<'filled' | 'refused'>;
  /** Lets the value that has this token be fresh, and kept, for so long from now on, and no shorter than it would be. */
  touch(key: string, touch: StoreTouch): Promise<'touched' | 'refused'>;
  /**
   * Takes the values and the tokens away, and remembers for `rememberMs` that it did where there was something to take. With 0 it
   * remembers nothing new: only what was known as deleted stays so, under another token.
   */
  invalidate(keys: readonly string[], rememberMs: number): Promise<void>;
  /**
   * Makes the key's next `fill` this caller's: whatever it held counts as invalidated. The first half of a `set`; split in two,
   * so that a late one can not put an old value back.
   */
  replace(key: string, rememberMs: number): Promise<{ readonly token: string }>;
  /**
   * From now on the store, as this process opened it, takes the values that this cache has in it for nothing: some were invalidated,
   * and nobody knows which. Older copies elsewhere may still stand in.
   */
  forget(): Promise<void>;
  /** The records of these tags, in their order; undefined where there is none: all that was loaded under it is invalid. */
  readTags(tags: readonly string[]): Promise<readonly (TagRecord | undefined)[]>;
  /** Before a load: the same, and makes those that are not there. Each lives for `forMs` from now, or for longer. */
  claimTags(tags: readonly string[], forMs: number): Promise<readonly TagRecord[]>;
  /**
   * Nothing that is under these tags is fresh any more. `invalidated` takes the records away, `expired` gives those that are there
   * another version. Each tag by itself: they need not stand together.
   */
  outdateTags(tags: readonly string[], as: Outdated): Promise<void>;
  /** Absent: this store knows no leases, and each process loads for itself. */
  readonly leases?: LeaseSpace;
}

/** How long what a lease leaves behind lives. */
export interface LeaseTerms {
  /** Until the lease ends, unless it is renewed. */
  readonly leaseMs: number;
  /** As long as a fill token where there was nothing: see `claim`. */
  readonly claimMs: number;
}

/** What a store answers to someone who would load the key. */
export type LeasedRead =
  | StoreRead
  /** The caller has the lease. Its token is new: whoever would fill with an older one is refused. */
  | { readonly kind: 'leased'; readonly token: string }
  /** Somebody else has it, under this token, for `leftMs` if it is not renewed; and will be told that somebody waits. */
  | { readonly kind: 'loading'; readonly token: string; readonly leftMs: number };

/**
 * One load per key for all processes. A lease is on the load of what a key holds at that moment: it is over when its time is, when it
 * is released, and as soon as the key holds something else: filled, invalidated, replaced or lost.
 */
export interface LeaseSpace {
  /** As `read`; where misses are usual it may do the work of `take` at once, so that those cost no second round trip. */
  look(key: string, terms: LeaseTerms): Promise<LeasedRead>;
  /**
   * Takes the lease, unless somebody has it. Answers what the key holds instead if that is neither `seen`, the token of an earlier
   * read (undefined: nothing was there), nor a mere claim.
   */
  take(key: string, seen: string | undefined, terms: LeaseTerms): Promise<Exclude<LeasedRead, { kind: 'absent' }>>;
  /** The lease lasts from now, if it is not over. */
  renew(key: string, token: string, leaseMs: number): Promise<'renewed' | 'lost'>;
  /**
   * Ends the lease; the token fills no less. One whose load has `filled` is over by that: all there is to tell is who waited.
   * `lost`: it was over before, and nobody knows.
   */
  release(key: string, token: string, ended: 'filled' | 'unfilled'): Promise<'unwaited' | 'waited' | 'lost'>;
}
