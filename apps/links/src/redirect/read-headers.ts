import type { IncomingMessage } from 'node:http';

/** The few headers that a redirect looks at. */
export interface RedirectHeaders {
  forwardedFor: string | undefined;
  userAgent: string | undefined;
  referrer: string | undefined;
  /** The first of them. */
  host: string | undefined;
  /** How many `Host` headers there are. */
  hosts: number;
  replayTime: string | undefined;
}

/**
 * Reads them off `rawHeaders` in one pass: `request.headers` would make an object of all headers first, which costs more than
 * the rest of the look-up.
 */
export function readHeaders(raw: readonly string[]): RedirectHeaders {
  const found: RedirectHeaders = {
    forwardedFor: undefined,
    userAgent: undefined,
    referrer: undefined,
    host: undefined,
    hosts: 0,
    replayTime: undefined,
  };
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at] as string;
    // Lengths first: few other headers are as long as one of these.
    switch (name.length) {
      case 4:
        if (!is(name, 'Host', 'host')) break;
        found.host ??= raw[at + 1];
        found.hosts += 1;
        break;
      case 7:
        if (is(name, 'Referer', 'referer')) found.referrer ??= raw[at + 1];
        break;
      case 10:
        if (is(name, 'User-Agent', 'user-agent')) found.userAgent ??= raw[at + 1];
        break;
      case 15:
        if (is(name, 'X-Forwarded-For', 'x-forwarded-for')) {
          const value = raw[at + 1] as string;
          found.forwardedFor = found.forwardedFor === undefined ? value : `${found.forwardedFor},${value}`;
        } else if (is(name, 'X-Spillway-Time', 'x-spillway-time')) found.replayTime ??= raw[at + 1];
        break;
    }
  }
  return found;
}

/** One `Host`, as RFC 9112 (3.2) wants it, so that nobody in front of us reads another one than we do. HTTP/1.0 may have none. */
export const hasRightHost = (
  { hosts }: Pick<RedirectHeaders, 'hosts'>,
  { httpVersionMinor }: Pick<IncomingMessage, 'httpVersionMinor'>,
): boolean => hosts === 1 || (hosts === 0 && httpVersionMinor === 0);

const is = (name: string, usual: string, lower: string): boolean =>
  name === usual || name === lower || name.toLowerCase() === lower;
