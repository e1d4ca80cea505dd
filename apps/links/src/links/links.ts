import { createHmac } from 'node:crypto';
import type { Cache } from '@spillway/cache';
import type { IdAllocator, ShortCode } from '@spillway/ids';
import type { CachedLink } from '../redirect/cached-link.ts';
import { isReserved } from './alias.ts';
import { cacheKey } from './cache-key.ts';
import type { Domains } from './domains.ts';
import { isCode, type Link, type LinkAddress, type RedirectStatus } from './link.ts';
import type { InsertOutcome, LinkChange, LinkStore, ListQuery, NewLinkRow } from './link-store.ts';
import type { Passwords } from './password.ts';

/** A link to be made; checked already. */
export interface NewLink {
  readonly url: string;
  readonly alias: string | undefined;
  readonly domainId: number;
  readonly title: string | undefined;
  readonly tags: readonly string[];
  readonly status: RedirectStatus;
  readonly expiresAtMs: number | undefined;
  readonly maxClicks: number | undefined;
  readonly password: string | undefined;
}

/** A link of a request, and which one it is there: a retry finds it by that. */
export interface NewLinkAt {
  readonly link: NewLink;
  readonly position: number;
}

export interface CreateContext {
  /** The key's id, or the client for links made without one. */
  readonly owner: string;
  /** The key's id, where there is one. */
  readonly createdBy: string | undefined;
  readonly idempotencyKey: string | undefined;
}

export type LinkEdit = Omit<LinkChange, 'passwordHash'> & { readonly password?: string | undefined };

/** The links; text that can be no code names none. Every change is answered only after it is committed and every cache has been told. */
export interface Links {
  /** An outcome for each, in order; one transaction for all. @throws {StoreUnavailableError} */
  create(links: readonly NewLinkAt[], context: CreateContext): Promise<readonly InsertOutcome[]>;
  find(address: LinkAddress): Promise<Link | undefined>;
  update(address: LinkAddress, edit: LinkEdit): Promise<Link | undefined>;
  remove(address: LinkAddress): Promise<boolean>;
  list(query: ListQuery): Promise<readonly Link[]>;
  count(): Promise<number>;
}

/** Passwords of one request that are hashed at the same time. */
const PASSWORDS_AT_ONCE = 2;

export interface LinksDependencies {
  readonly store: LinkStore;
  readonly domains: Domains;
  readonly ids: Pick<IdAllocator, 'next' | 'take'>;
  readonly shortCode: Pick<ShortCode, 'encode'>;
  readonly cache: Pick<Cache<CachedLink>, 'invalidate' | 'expire'>;
  /** Tells the other instances which changes need no further care. */
  readonly announce: (seqs: readonly number[]) => void;
  readonly passwords: Passwords;
  /** For the digests of requests, which may hold passwords. */
  readonly secret: string;
  readonly now?: () => number;
}

/** Redirects whoever comes, for ever. An older copy of another link may not stand in: it might let in whom this one refuses. */
const isOpen = ({ passwordHash, maxClicks, expiresAtMs }: Link): boolean =>
  passwordHash === undefined && maxClicks === undefined && expiresAtMs === undefined;

export function createLinks(dependencies: LinksDependencies): Links {
  const { store, domains, ids, shortCode, cache, passwords, secret, announce, now = Date.now } = dependencies;
  /** `expire`: of copies that were read before, and may be old, one may still stand in when nothing else is to be had (G4). */
  const changed = async (
    how: 'expire' | 'invalidate',
    links: readonly Link[],
    seqs: readonly number[],
  ): Promise<void> => {
    if (links.length === 0) return;
    const l2 = await cache[how]({ keys: links.map((link) => cacheKey(link, domains)) });
    // Only what has surely reached L2 is told of; the rest everybody finds in the outbox.
    if (l2 !== 'pending') announce(seqs);
  };
  /** Of this id, or of the next ones while it spells a word of the service's own: its path would never be looked up. */
  const codeOf = async (id: number): Promise<string> => {
    let code = shortCode.encode(id);
    while (isReserved(code)) code = shortCode.encode(await ids.next());
    return code;
  };
  const nextCode = async () => codeOf(await ids.next());

  /** Few at a time: the queue of passwords is everybody's, and no request may fill it alone. */
  const hashPasswords = async (links: readonly NewLinkAt[]): Promise<ReadonlyMap<NewLinkAt, string>> => {
    const hashes = new Map<NewLinkAt, string>();
    let next = 0;
    const hashRest = async () => {
      for (let each = links[next++]; each !== undefined; each = links[next++]) {
        const { password } = each.link;
        if (password === undefined) continue;
        try {
          hashes.set(each, await passwords.hash(password));
        } catch (error) {
          // The request has failed: nobody needs the others.
          next = links.length;
          throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: PASSWORDS_AT_ONCE }, hashRest));
    return hashes;
  };

  const toRow = (
    { link, position }: NewLinkAt,
    made: { id: number; code: string; passwordHash: string | undefined; context: CreateContext },
  ): NewLinkRow => {
    const { id, code, passwordHash, context } = made;
    const atMs = now();
    return {
      link: {
        id,
        domainId: link.domainId,
        code,
        codeFrom: link.alias === undefined ? 'id' : 'alias',
        url: link.url,
        title: link.title,
        tags: link.tags,
        status: link.status,
        createdAtMs: atMs,
        updatedAtMs: atMs,
        expiresAtMs: link.expiresAtMs,
        maxClicks: link.maxClicks,
        usedClicks: 0,
        passwordHash,
        createdBy: context.createdBy,
      },
      idempotency:
        context.idempotencyKey === undefined
          ? undefined
          : {
              owner: context.owner,
              key: `${context.idempotencyKey}#${position}`,
              request: createHmac('sha256', secret).update(JSON.stringify(link)).digest('hex'),
            },
    };
  };

  return {
    async create(links, context) {
      const hashes = await hashPasswords(links);
      const taken = await ids.take(links.length);
      const rows: NewLinkRow[] = [];
      for (const [index, each] of links.entries()) {
        const id = taken[index];
        if (id === undefined) throw new Error(`The allocator gave ${taken.length} ids for ${links.length} links`);
        const code = each.link.alias ?? (await codeOf(id));
        rows.push(toRow(each, { id, code, passwordHash: hashes.get(each), context }));
      }
      const { result, seqs } = await store.insert(rows, nextCode);
      // A code that someone asked for before it was there may stand somewhere as a negative entry. A repeated one as well:
      // whoever made it may have died before he came to this.
      await changed(
        'expire',
        result.flatMap((outcome) => ('link' in outcome ? [outcome.link] : [])),
        seqs,
      );
      return result;
    },
    find: async (address) => (isCode(address.code) ? store.find(address) : undefined),
    async update(address, edit) {
      if (!isCode(address.code)) return undefined;
      const { password, ...rest } = edit;
      // Left out and taken away are not the same.
      const passwordHash = password === undefined ? undefined : await passwords.hash(password);
      const change: LinkChange = 'password' in edit ? { ...rest, passwordHash } : rest;
      const { result, seqs } = await store.update(address, change, now());
      if (result !== undefined) await changed(isOpen(result) ? 'expire' : 'invalidate', [result], seqs);
      return result;
    },
    async remove(address) {
      if (!isCode(address.code)) return false;
      const { result, seqs } = await store.remove(address, now());
      if (result !== undefined) await changed('invalidate', [result], seqs);
      return result !== undefined;
    },
    list: (query) => store.list(query),
    count: () => store.count(),
  };
}
