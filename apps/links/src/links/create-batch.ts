import type { z } from 'zod';
import { toFieldErrors } from '../http/field-errors.ts';
import { Problem, problemBody, statusOf } from '../http/problem.ts';
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

/** Makes those of the rows that are right, in one transaction; a result for each, in their order. */
export async function createBatch(
  rows: readonly unknown[],
  { newLink, links, domains, context, path }: BatchContext,
): Promise<BatchRow[]> {
  const results: BatchRow[] = [];
  const right: { body: NewLinkBody; position: number }[] = [];
  for (const [position, row] of rows.entries()) {
    const parsed = newLink.safeParse(row);
    if (parsed.success) right.push({ body: parsed.data, position });
    else results[position] = refused(invalid(parsed.error), path, position);
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

function invalid(error: z.ZodError): Problem {
  const errors = toFieldErrors(error.issues);
  return new Problem('invalid-request', { detail: `${errors.length} field(s) at fault; see "errors"`, errors });
}

const refused = ({ kind, options }: Problem, path: string, position: number): BatchRow => ({
  status: statusOf(kind),
  problem: problemBody(kind, options, `${path.split('?', 1)[0]}#/links/${position}`),
});
