import { type FieldError, type Problem, problemBody, statusOf } from '../http/problem.ts';
import { checkNewLink, invalidLink } from './check-new-link.ts';
import type { Domains } from './domains.ts';
import { toLinkAnswer } from './link-answer.ts';
import { refusal, toNewLink } from './link-requests.ts';
import type { BatchRow, LinkSchemas, NewLinkBody } from './link-schemas.ts';
import type { CreateContext, Links } from './links.ts';

export interface BatchContext {
  readonly schemas: LinkSchemas;
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
  { schemas, links, domains, context, path }: BatchContext,
): Promise<BatchRow[]> {
  const results: BatchRow[] = [];
  let protectedLinks = 0;
  const right: { body: NewLinkBody; position: number }[] = [];
  for (const [position, row] of rows.entries()) {
    const checked = checkNewLink(row, schemas, context);
    if ('errors' in checked) {
      results[position] = refused(invalidLink(checked.errors), path, position);
      continue;
    }
    const body = checked.link;
    if (body.password !== undefined) protectedLinks += 1;
    if (body.password !== undefined && protectedLinks > MAX_PASSWORDS)
      results[position] = refused(invalidLink([tooManyPasswords]), path, position);
    else right.push({ body, position });
  }
  if (right.length === 0) return results;
  const wanted = right.map(({ body, position }) => ({ link: toNewLink(body, domains), position }));
  const outcomes = await links.create(wanted, context);
  for (const [at, { body, position }] of right.entries()) {
    const outcome = outcomes[at];
    results[position] =
      outcome !== undefined && 'link' in outcome
        ? { status: outcome.outcome === 'repeated' ? 200 : 201, link: toLinkAnswer(outcome.link, 0, domains) }
        : refused(refusal(outcome, body), path, position);
  }
  return results;
}

const tooManyPasswords: FieldError = {
  field: 'password',
  message: `only ${MAX_PASSWORDS} links of a batch may have one; send this link in another batch`,
};

const refused = ({ kind, options }: Problem, path: string, position: number): BatchRow => ({
  status: statusOf(kind),
  problem: problemBody(kind, options, `${path.split('?', 1)[0]}#/links/${position}`),
});
