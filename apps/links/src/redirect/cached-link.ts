import type { RedirectRow } from '../links/link-store.ts';

/** A link as the cache holds it: what a redirect needs, and no more. Never a password's hash, never a counter. */
export interface CachedLink {
  readonly id: number;
  readonly url: string;
  readonly status: number;
  /** Milliseconds since the epoch; 0 is never. */
  readonly expiresAtMs: number;
  /** `open` redirects from the cache; the others are decided by the truth each time. */
  readonly access: 'open' | 'max-clicks' | 'password';
}

export const toCachedLink = (row: RedirectRow): CachedLink => ({
  id: row.id,
  url: row.url,
  status: row.status,
  expiresAtMs: row.expires_at ?? 0,
  access: row.password_hash !== null ? 'password' : row.max_clicks !== null ? 'max-clicks' : 'open',
});
