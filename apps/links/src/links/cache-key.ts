import type { Domains } from './domains.ts';
import type { LinkAddress } from './link.ts';

/**
 * A link's key in the cache and in `changes`. On the default domain it is the path itself, so that the hot path looks up
 * `req.url` as it is; elsewhere the host stands before it. No code and no host holds a `/`, so no two meet (G8).
 */
export const cacheKey = ({ domainId, code }: LinkAddress, domains: Domains): string =>
  `${domains.hostOf(domainId) ?? ''}/${code}`;
