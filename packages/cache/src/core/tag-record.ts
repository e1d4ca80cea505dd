/**
 * What the store has under a tag. Both words are new with every change and never come back, so that a record that was lost and made
 * anew is another one: a counter would begin again, and bring old entries back to life.
 */
export interface TagRecord {
  /** Another one after each invalidation. */
  readonly era: string;
  /** Another one after each invalidation and each expiry. */
  readonly version: string;
}

/** A tag as it stood before the load of an entry. */
export interface EntryTag extends TagRecord {
  readonly tag: string;
}

/**
 * What became of an entry since it was loaded under this tag; undefined: nothing. A record that is not there was invalidated, or
 * evicted, and nobody knows which.
 */
export function outdatedBy(now: TagRecord | undefined, then: TagRecord): 'invalidated' | 'expired' | undefined {
  if (now === undefined || now.era !== then.era) return 'invalidated';
  return now.version === then.version ? undefined : 'expired';
}
