import { isToken } from './fields.ts';

/** Why a request was handed to the route: RFC 9211 section 2.2. */
export type Forwarded = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'stale';

/** One member of `Cache-Status` (RFC 9211): a structured field (RFC 9651), an Item with parameters. */
export type CacheStatus = {
  readonly ttlMs?: number | undefined;
  /** A word, as token. */
  readonly detail?: string | undefined;
  readonly key?: string | undefined;
} & (
  | { readonly hit: true }
  | {
      readonly fwd: Forwarded;
      readonly status?: number | undefined;
      readonly stored?: boolean | undefined;
      readonly collapsed?: boolean | undefined;
    }
);

export function serialiseCacheStatus(name: string, status: CacheStatus): string {
  let member = nameItem(name);
  if ('hit' in status) member += ';hit';
  else {
    member += `;fwd=${status.fwd}`;
    if (status.status !== undefined) member += `;fwd-status=${status.status}`;
    if (status.stored === true) member += ';stored';
    if (status.collapsed === true) member += ';collapsed';
  }
  if (status.ttlMs !== undefined) member += `;ttl=${Math.floor(status.ttlMs / 1000)}`;
  if (status.key !== undefined) member += `;key=${quoted(status.key)}`;
  if (status.detail !== undefined) member += `;detail=${status.detail}`;
  return member;
}

/** A token where the name is one, else a string; of what no string may hold, `?` stands. */
function nameItem(name: string): string {
  return isToken(name) && /^[A-Za-z*]/.test(name) ? name : quoted(name);
}

const quoted = (text: string): string => `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`;
