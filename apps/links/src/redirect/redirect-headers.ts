import type { CachedLink } from './cached-link.ts';

/**
 * The answer's headers: names and values in turn, which `writeHead` takes as they are. Made for each answer, since to keep them per
 * link would cost more, in time to find them again and in 170 bytes a link.
 */
export function createRedirectHeaders(servedBy: string): (link: CachedLink) => string[] {
  return ({ url, status, expiresAtMs, access }) => [
    'Location',
    url,
    'Cache-Control',
    // A permanent one may be kept, as its name says, but not so long that the link could never change; not beyond its end; and
    // not where each visit takes a click or needs the password.
    (status === 301 || status === 308) && expiresAtMs === 0 && access === 'open'
      ? 'private, max-age=300'
      : 'private, no-store',
    'X-Served-By',
    servedBy,
    'Content-Length',
    '0',
  ];
}
