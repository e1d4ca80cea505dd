import type { Generated } from 'kysely';

/** Times are integers: milliseconds since the epoch, UTC. */
type Millis = number;

/** Hosts that short links live on. Row 1, with an empty host, is the default: whatever `PUBLIC_URL` says. */
export interface DomainsTable {
  id: Generated<number>;
  host: string;
  created_at: Millis;
}

export interface LinksTable {
  /** From the id allocator. What clicks refer to. */
  id: number;
  domain_id: number;
  code: string;
  /** 1: the code was made from the id. 0: the user chose it. */
  generated: number;
  url: string;
  title: string | null;
  status: number;
  /** A JSON array, as given; `link_tags` is its index. */
  tags: string;
  created_at: Millis;
  updated_at: Millis;
  expires_at: Millis | null;
  max_clicks: number | null;
  /** Redirects granted; counted only for links with `max_clicks`, at once and exactly. */
  used_clicks: number;
  /** scrypt, see `links/password.ts`. */
  password_hash: string | null;
  /** The key that made it; null for links made without one. */
  created_by: string | null;
  /** Lower-cased code, URL and title, for `search`. */
  search: string;
}

export interface LinkTagsTable {
  tag: string;
  link_id: number;
}

/** The outbox: each change of a link, in the same transaction as the change. */
export interface ChangesTable {
  seq: Generated<number>;
  /** The link's cache key. */
  key: string;
  changed_at: Millis;
}

export interface ApiKeysTable {
  id: string;
  name: string;
  /** SHA-256 of the key, hexadecimal. */
  hash: string;
  /** Its first characters, to be told apart by people. */
  hint: string;
  /** A JSON array. */
  scopes: string;
  created_at: Millis;
  expires_at: Millis | null;
  /** The name of its plan; null where it has none of its own. */
  plan: string | null;
  /** A JSON array of policies in place of those of the same name in its plan. */
  limits: string | null;
}

export interface IdempotencyKeysTable {
  /** The API key's id, or the client for links made without a key. */
  owner: string;
  key: string;
  /** SHA-256 of the request, hexadecimal. */
  request: string;
  link_id: number;
  created_at: Millis;
}

export interface SettingsTable {
  name: string;
  value: string;
}

export interface PlansTable {
  name: string;
  /** JSON: `policies`, `shadow`, `mode`. */
  definition: string;
  updated_at: Millis;
}

export interface Tables {
  domains: DomainsTable;
  links: LinksTable;
  link_tags: LinkTagsTable;
  changes: ChangesTable;
  api_keys: ApiKeysTable;
  idempotency_keys: IdempotencyKeysTable;
  settings: SettingsTable;
  plans: PlansTable;
}
