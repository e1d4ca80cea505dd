import { DEFAULT_DOMAIN, type Domains } from './domains.ts';
import type { Link } from './link.ts';
import type { LinkAnswer } from './link-schemas.ts';

/** A link as the API shows it. `clicks` is the exact count of the statistics. */
export function toLinkAnswer(link: Link, clicks: number, domains: Domains): LinkAnswer {
  const base = domains.baseUrl(link.domainId);
  return {
    code: link.code,
    shortUrl: `${base}/${link.code}`,
    domain: new URL(base).host,
    onDefaultDomain: link.domainId === DEFAULT_DOMAIN,
    url: link.url,
    title: link.title ?? null,
    tags: [...link.tags],
    createdAt: rfc3339(link.createdAtMs),
    expiresAt: link.expiresAtMs === undefined ? null : rfc3339(link.expiresAtMs),
    maxClicks: link.maxClicks ?? null,
    usedClicks: link.maxClicks === undefined ? null : link.usedClicks,
    clicks,
    status: link.status,
    hasPassword: link.passwordHash !== undefined,
  };
}

const rfc3339 = (ms: number) => new Date(ms).toISOString();
