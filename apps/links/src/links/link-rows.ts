import type { LinksTable } from '../sql/tables.ts';
import type { Link, RedirectStatus } from './link.ts';

export const linkColumns = [
  'id',
  'domain_id',
  'code',
  'generated',
  'url',
  'title',
  'status',
  'tags',
  'created_at',
  'updated_at',
  'expires_at',
  'max_clicks',
  'used_clicks',
  'password_hash',
  'created_by',
] as const satisfies readonly (keyof LinksTable)[];

export type LinkRow = Pick<LinksTable, (typeof linkColumns)[number]>;

export const toLink = (row: LinkRow): Link => ({
  id: row.id,
  domainId: row.domain_id,
  code: row.code,
  codeFrom: row.generated === 1 ? 'id' : 'alias',
  url: row.url,
  title: row.title ?? undefined,
  tags: JSON.parse(row.tags) as string[],
  status: row.status as RedirectStatus,
  createdAtMs: row.created_at,
  updatedAtMs: row.updated_at,
  expiresAtMs: row.expires_at ?? undefined,
  maxClicks: row.max_clicks ?? undefined,
  usedClicks: row.used_clicks,
  passwordHash: row.password_hash ?? undefined,
  createdBy: row.created_by ?? undefined,
});

export const toRow = (link: Link): LinksTable => ({
  id: link.id,
  domain_id: link.domainId,
  code: link.code,
  generated: link.codeFrom === 'id' ? 1 : 0,
  url: link.url,
  title: link.title ?? null,
  status: link.status,
  tags: JSON.stringify(link.tags),
  created_at: link.createdAtMs,
  updated_at: link.updatedAtMs,
  expires_at: link.expiresAtMs ?? null,
  max_clicks: link.maxClicks ?? null,
  used_clicks: link.usedClicks,
  password_hash: link.passwordHash ?? null,
  created_by: link.createdBy ?? null,
  search: searchText(link),
});

/** What `search` looks into. Lower-cased here, since SQLite lower-cases ASCII only. */
export const searchText = ({ code, url, title }: Pick<Link, 'code' | 'url' | 'title'>): string =>
  [code, url, title ?? ''].join('\n').toLowerCase();
