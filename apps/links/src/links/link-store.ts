import type { Link, LinkAddress } from './link.ts';

/** The truth about links. One implementation over a `SqlRunner`; the same suite runs it on SQLite and PostgreSQL. */
export interface LinkStore {
  /**
   * Inserts links and their changes in one transaction, which the unique index decides; every row gets an outcome, in order.
   * A row whose idempotency key has been used gets the link of that time, if the request was the same.
   */
  insert(rows: readonly NewLinkRow[], nextCode: () => Promise<string>): Promise<Changed<readonly InsertOutcome[]>>;
  find(address: LinkAddress): Promise<Link | undefined>;
  /** As `find`, for redirects: prepared, and never from a replica. */
  findForRedirect(address: LinkAddress): Promise<RedirectRow | undefined>;
  findById(id: number): Promise<Link | undefined>;
  update(address: LinkAddress, change: LinkChange, nowMs: number): Promise<Changed<Link | undefined>>;
  remove(address: LinkAddress, nowMs: number): Promise<Changed<Link | undefined>>;
  /**
   * Takes one of the link's clicks, if it has any left; decided by one statement. Of one link one at a time, so that a popular one
   * does not keep the connections waiting for its row.
   * @throws {OverloadedError} when too many wait
   */
  useClick(id: number): Promise<'granted' | 'used-up'>;
  list(query: ListQuery): Promise<readonly Link[]>;
  count(): Promise<number>;
  /** Deletes idempotency keys and changes from before `beforeMs`, some at a time. */
  forgetOld(beforeMs: number): Promise<void>;
}

/** What a write came to, and its entries in `changes`. */
export interface Changed<Result> {
  readonly result: Result;
  readonly seqs: readonly number[];
}

export interface NewLinkRow {
  /** `code` is the alias, or the code made from the id. */
  readonly link: Link;
  readonly idempotency: Idempotency | undefined;
}

export interface Idempotency {
  readonly owner: string;
  readonly key: string;
  /** A digest of the request: the same key with another one is refused. */
  readonly request: string;
}

export type InsertOutcome =
  | { readonly outcome: 'created'; readonly link: Link }
  /** A retry: this is the link that the first attempt made. */
  | { readonly outcome: 'repeated'; readonly link: Link }
  | { readonly outcome: 'alias-taken' }
  /** It would have expired before it was made; its key is free again. */
  | { readonly outcome: 'expired' }
  | { readonly outcome: 'key-reused' }
  /** The link that the first attempt made has been deleted since. */
  | { readonly outcome: 'retry-gone' };

/** What a redirect needs to know. */
export interface RedirectRow {
  readonly id: number;
  readonly url: string;
  readonly status: number;
  readonly expires_at: number | null;
  readonly max_clicks: number | null;
  readonly used_clicks: number;
  readonly password_hash: string | null;
}

export type LinkChange = Partial<
  Pick<Link, 'url' | 'title' | 'tags' | 'status' | 'expiresAtMs' | 'maxClicks' | 'passwordHash'>
>;

export const SORTS = ['-createdAt', 'createdAt', 'code', '-code'] as const;
export type Sort = (typeof SORTS)[number];

export interface ListQuery {
  readonly limit: number;
  readonly sort: Sort;
  /** The last link of the page before. */
  readonly after: { readonly value: number | string; readonly id: number } | undefined;
  readonly search: string | undefined;
  readonly tag: string | undefined;
}
