/** The longest user agent that is kept, in characters; the rest is cut off. */
export const MAX_USER_AGENT = 512;
/** The longest referrer that is kept, in characters; the rest is cut off. */
export const MAX_REFERRER = 2048;

/** One click as the click log carries it: what the redirect knew, and nothing that would name the client. */
export interface Click {
  readonly linkId: number;
  /** Milliseconds since the Unix epoch. */
  readonly atMs: number;
  /** The client's address as a keyed hash: 16 hexadecimal digits. */
  readonly visitor: string;
  /** ISO 3166-1 alpha-2, or `unknown`. */
  readonly country: string;
  /** As sent, at most `MAX_USER_AGENT` characters; empty when the client sent none. */
  readonly userAgent: string;
  /** As sent, at most `MAX_REFERRER` characters; empty when the client sent none. */
  readonly referrer: string;
}

/** What a redirect knows of its client. */
export interface Visit {
  readonly linkId: number;
  readonly atMs: number;
  /** The client's address: the socket's, or the one that a trusted proxy names. */
  readonly ip: string;
  readonly userAgent: string | undefined;
  readonly referrer: string | undefined;
}

/** Who a client is, as far as may be kept. */
export interface Client {
  readonly visitor: string;
  readonly country: string;
}

/** Turns a visit into a click. On the hot path: what can wait (reading the user agent) is left to the sink. */
export function toClick(visit: Visit, identify: (ip: string) => Client): Click {
  const { visitor, country } = identify(visit.ip);
  return {
    linkId: visit.linkId,
    atMs: visit.atMs,
    visitor,
    country,
    userAgent: bounded(visit.userAgent, MAX_USER_AGENT),
    referrer: bounded(visit.referrer, MAX_REFERRER),
  };
}

function bounded(value: string | undefined, length: number): string {
  if (value === undefined) return '';
  return value.length > length ? value.slice(0, length) : value;
}
