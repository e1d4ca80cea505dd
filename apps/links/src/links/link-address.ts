import { Problem } from '../http/problem.ts';
import { DEFAULT_DOMAIN, type Domains } from './domains.ts';
import type { LinkAddress } from './link.ts';

/** Where a request's link lives. @throws {Problem} when the service has no such domain */
export function addressOf(domains: Domains, code: string, host: string | undefined): LinkAddress {
  if (host === undefined) return { domainId: DEFAULT_DOMAIN, code };
  const domainId = domains.named(host);
  if (domainId !== undefined) return { domainId, code };
  const message = `must be one of ${[...domains.byHost.keys()].join(', ')}, got "${host.slice(0, 100)}"`;
  throw new Problem('invalid-request', {
    detail: 'The service has no such domain',
    errors: [{ field: 'query.domain', message }],
  });
}
