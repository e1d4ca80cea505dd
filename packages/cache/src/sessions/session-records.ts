/** One session as a store keeps it. */
export interface SessionRecord {
  /** New with every write. */
  readonly version: string;
  readonly text: string;
}

export interface SessionWrite {
  readonly text: string;
  /** How long it is kept. At least 1. */
  readonly forMs: number;
  /** What the write replaces: nothing (`new`), whatever is there or nothing (`any`), or what was read with this version. */
  readonly replaces: 'new' | 'any' | { readonly version: string };
}

/** `conflict`: somebody wrote since. `ended`: the session has ended, or is not there, and does not come back. */
export type SessionWritten =
  | { readonly outcome: 'written'; readonly version: string }
  | { readonly outcome: 'conflict' | 'ended' };

/**
 * Where sessions are kept, under names that are digests of their ids. Every method fails closed: it answers what the store says now, or
 * rejects. A write of which nobody knows whether it ran (it rejected) is refused by the store once its deadline is well past, so that it
 * can not replace a later one.
 */
export interface SessionRecords {
  read(name: string): Promise<SessionRecord | undefined>;
  write(name: string, write: SessionWrite): Promise<SessionWritten>;
  /** Keeps it for so long from now on. False when it is not there. */
  touch(name: string, forMs: number): Promise<boolean>;
  /** Takes it away, and remembers so long that it has ended: a write under way does not bring it back. */
  end(name: string, rememberMs: number): Promise<void>;
}
