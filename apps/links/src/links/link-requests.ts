import type { FastifyRequest } from 'fastify';
import { Problem } from '../http/problem.ts';
import { shown } from '../http/saying.ts';
import { invalidLink } from './check-new-link.ts';
import type { Domains } from './domains.ts';
import type { LinkEditBody, NewLinkBody } from './link-schemas.ts';
import type { InsertOutcome } from './link-store.ts';
import type { CreateContext, LinkEdit, NewLink } from './links.ts';

/** From what was sent and checked to what the service works with, and from its refusals back. */

export const toNewLink = (body: NewLinkBody, domains: Domains): NewLink => ({
  // As WHATWG URL writes it: what was checked is what `Location` says.
  url: new URL(body.url).href,
  alias: body.alias,
  domainId: domains.ofRequest(body.domain),
  title: body.title,
  tags: body.tags ?? [],
  status: body.status ?? 302,
  expiresAtMs: body.expiresAt === undefined ? undefined : Date.parse(body.expiresAt),
  maxClicks: body.maxClicks,
  password: body.password,
});

/** What was left out is left out again; null becomes undefined, which takes a value away. */
export function toLinkEdit(body: LinkEditBody): LinkEdit {
  const { url, title, tags, status, expiresAt, maxClicks, password } = body;
  return {
    ...(url === undefined ? {} : { url: new URL(url).href }),
    ...(title === undefined ? {} : { title: title ?? undefined }),
    ...(tags === undefined ? {} : { tags }),
    ...(status === undefined ? {} : { status }),
    ...(expiresAt === undefined ? {} : { expiresAtMs: expiresAt === null ? undefined : Date.parse(expiresAt) }),
    ...(maxClicks === undefined ? {} : { maxClicks: maxClicks ?? undefined }),
    ...(password === undefined ? {} : { password: password ?? undefined }),
  };
}

export const createContext = ({ caller }: FastifyRequest, idempotencyKey: string | undefined): CreateContext => ({
  owner: caller.id,
  createdBy: caller.kind === 'key' ? caller.id : undefined,
  idempotencyKey,
});

/** Why a link was not made. */
export function refusal(
  outcome: InsertOutcome | undefined,
  { alias, expiresAt }: Pick<NewLinkBody, 'alias' | 'expiresAt'>,
): Problem {
  switch (outcome?.outcome) {
    case 'alias-taken':
      return new Problem('alias-taken', {
        detail: `The alias "${alias}" is taken; choose another, or leave it out`,
        errors: [{ field: 'alias', message: `is taken, got "${alias}"; choose another` }],
      });
    case 'expired':
      return invalidLink([{ field: 'expiresAt', message: `must be in the future, got ${shown(expiresAt)}` }]);
    case 'key-reused':
      return new Problem('key-reused', {
        detail: 'This Idempotency-Key came with another request before; use a new key for a new request',
        errors: [{ field: 'headers.idempotency-key', message: 'was used with another body; use a new one' }],
      });
    case 'retry-gone':
      return new Problem('retry-gone', {
        detail: 'The link that was made with this Idempotency-Key has been deleted; use a new key',
      });
    default:
      throw new Error(`Not a refusal: ${outcome?.outcome}`);
  }
}
