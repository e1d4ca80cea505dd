import type { CacheCodec } from '@spillway/cache';
import type { RedirectRow } from '../links/link-store.ts';

/** A link as the cache holds it: what a redirect needs, and no more. Never a password's hash, never a counter. */
export interface CachedLink {
  readonly id: number;
  readonly url: string;
  readonly status: number;
  /** Milliseconds since the epoch; 0 is never. */
  readonly expiresAtMs: number;
  /** `open` redirects from the cache; the others are decided by the truth each time. */
  readonly access: Access;
}

const ACCESSES = ['open', 'max-clicks', 'password'] as const;
export type Access = (typeof ACCESSES)[number];

export const toCachedLink = (row: RedirectRow): CachedLink => ({
  id: row.id,
  url: row.url,
  status: row.status,
  expiresAtMs: row.expires_at ?? 0,
  access: row.password_hash !== null ? 'password' : row.max_clicks !== null ? 'max-clicks' : 'open',
});

/** A JSON array, without names: there may be millions of them in Redis. */
export const linkCodec: CacheCodec<CachedLink> = {
  encode: ({ id, url, status, expiresAtMs, access }) =>
    JSON.stringify([id, url, status, expiresAtMs, ACCESSES.indexOf(access)]),
  decode(text) {
    const [id, url, status, expiresAtMs, access] = JSON.parse(text) as unknown[];
    const known = ACCESSES[access as number];
    if (typeof id !== 'number' || typeof url !== 'string' || typeof status !== 'number' || known === undefined) {
      throw new TypeError('Not a link');
    }
    return { id, url, status, expiresAtMs: typeof expiresAtMs === 'number' ? expiresAtMs : 0, access: known };
  },
};
