import { toFieldErrors } from '../http/field-errors.ts';
import { type FieldError, Problem, problemBody, statusOf } from '../http/problem.ts';
import type { Domains } from './domains.ts';
import { toLinkAnswer } from './link-answer.ts';
import { refusal, toNewLink } from './link-requests.ts';
import type { BatchRow, linkSchemas, NewLinkBody } from './link-schemas.ts';
import type { CreateContext, Links } from './links.ts';

export interface BatchContext {
  readonly newLink: ReturnType<typeof linkSchemas>['newLink'];
  readonly links: Links;
  readonly domains: Domains;
  readonly context: CreateContext;
  /** Of the request; a row's problem is `path#/links/3`. */
  readonly path: string;
}

/** Links of a batch that may have a password: one takes tens of milliseconds of a processor, and a batch must end in time. */
const MAX_PASSWORDS = 100;

/** Makes those of the rows that are right, in one transaction; a result for each, in their order. */
export async function createBatch(
  rows: readonly unknown[],
  { newLink, links, domains, context, path }: BatchContext,
): Promise<BatchRow[]> {
  const results: BatchRow[] = [];
  let protectedLinks = 0;
  const right: { body: NewLinkBody; position: number }[] = [];
  for (const [position, row] of rows.entries()) {
    const parsed = newLink.safeParse(row);
    if (parsed.data?.password !== undefined) protectedLinks += 1;
    if (!parsed.success) results[position] = refused(invalid(toFieldErrors(parsed.error.issues)), path, position);
    else if (parsed.data.password !== undefined && protectedLinks > MAX_PASSWORDS)
      results[position] = refused(invalid([tooManyPasswords]), path, position);
    else right.push({ body: parsed.data, position });
  }
  if (right.length === 0) return results;
  const wanted = right.map(({ body, position }) => ({ link: toNewLink(body, domains), position }));
  const outcomes = await links.create(wanted, context);
  for (const [at, { body, position }] of right.entries()) {
    const outcome = outcomes[at];
    results[position] =
      outcome !== undefined && 'link' in outcome
        ? { status: outcome.outcome === 'repeated' ? 200 : 201, link: toLinkAnswer(outcome.link, 0, domains) }
        : refused(refusal(outcome, body.alias), path, position);
  }
  return results;
}

const tooManyPasswords: FieldError = {
  field: 'password',
  message: `only ${MAX_PASSWORDS} links of a batch may have one; send this link in another batch`,
};

const invalid = (errors: readonly FieldError[]): Problem =>
  new Problem('invalid-request', { detail: `${errors.length} field(s) at fault; see "errors"`, errors });

const refused = ({ kind, options }: Problem, path: string, position: number): BatchRow => ({
  status: statusOf(kind),
  problem: problemBody(kind, options, `${path.split('?', 1)[0]}#/links/${position}`),
});
