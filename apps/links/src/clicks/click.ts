/** The longest user agent that is kept, in characters; the rest is cut off. */
export const MAX_USER_AGENT = 512;
/** The longest referrer that is kept, in bytes; the rest is cut off, and a character that would be cut in two with it. */
export const MAX_REFERRER = 2048;

/** What a redirect knows of its client. It stays in this process's memory, until the click log makes a click of it. */
export interface Visit {
  readonly linkId: number;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** The client's address: the socket's, or the one that a trusted proxy names. */
  readonly ip: string;
  readonly userAgent: string | undefined;
  readonly referrer: string | undefined;
}

/** One click as spool, stream and sink know it: nothing in it names the client. */
export interface Click {
  readonly linkId: number;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** The client's address as a keyed hash: a signed integer of 64 bits, as the databases keep it. */
  readonly visitor: bigint;
  /** ISO 3166-1 alpha-2, or `unknown`. */
  readonly country: string;
  /** As sent, at most `MAX_USER_AGENT` characters; empty when the client sent none. */
  readonly userAgent: string;
  /** As sent, at most `MAX_REFERRER` characters; empty when the client sent none. */
  readonly referrer: string;
}
