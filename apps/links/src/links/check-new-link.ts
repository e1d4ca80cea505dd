import { toFieldErrors } from '../http/field-errors.ts';
import { type FieldError, Problem } from '../http/problem.ts';
import type { LinkSchemas, NewLinkBody } from './link-schemas.ts';
import type { CreateContext } from './links.ts';

/**
 * What was sent for a new link, or all that is wrong with it. With an Idempotency-Key it may be the retry of a link that has
 * expired since: then whether the expiry is in the past is told by the one who knows the key.
 */
export function checkNewLink(
  sent: unknown,
  { newLink, repeatedLink }: LinkSchemas,
  { idempotencyKey }: CreateContext,
): { readonly link: NewLinkBody } | { readonly errors: readonly FieldError[] } {
  const { data, error } = (idempotencyKey === undefined ? newLink : repeatedLink).safeParse(sent);
  return data === undefined ? { errors: toFieldErrors(error?.issues ?? []) } : { link: data };
}

export const invalidLink = (errors: readonly FieldError[]): Problem =>
  new Problem('invalid-request', { detail: `${errors.length} field(s) at fault; see "errors"`, errors });
