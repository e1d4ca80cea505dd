import type { CachedLink } from './cached-link.ts';

/** The answer's headers per link, made once: as names and values in turn, which `writeHead` takes as they are. */
export function createRedirectHeaders(servedBy: string): (link: CachedLink) => string[] {
  const known = new WeakMap<CachedLink, string[]>();
  return (link) => {
    const headers = known.get(link);
    if (headers !== undefined) return headers;
    const made = [
      'Location',
      link.url,
      'Cache-Control',
      // A permanent one may be kept, as its name says, but not so long that the link could never change; and not beyond its end.
      (link.status === 301 || link.status === 308) && link.expiresAtMs === 0
        ? 'private, max-age=300'
        : 'private, no-store',
      'X-Served-By',
      servedBy,
      'Content-Length',
      '0',
    ];
    known.set(link, made);
    return made;
  };
}
