import type { FastifyInstance } from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Problem, problemSchema } from '../http/problem.ts';
import { bodyFailures, failures, security } from '../http/route-schemas.ts';
import { shown } from '../http/saying.ts';
import type { Authorize } from '../keys/authorize.ts';
import type { CallerCharges } from '../limits/caller-charges.ts';
import { checkNewLink, invalidLink } from './check-new-link.ts';
import { createBatch } from './create-batch.ts';
import type { Domains } from './domains.ts';
import type { Link } from './link.ts';
import { addressOf } from './link-address.ts';
import { toLinkAnswer } from './link-answer.ts';
import { formatCursor, parseCursor } from './link-cursor.ts';
import { createContext, refusal, toLinkEdit, toNewLink } from './link-requests.ts';
import {
  batchAnswer,
  batchBody,
  codeParams,
  domainQuery,
  idempotencyHeaders,
  linkAnswer,
  linkSchemas,
  listQuery,
} from './link-schemas.ts';
import type { Links } from './links.ts';
import type { TargetRules } from './target.ts';

export interface LinkRoutesOptions {
  readonly links: Links;
  readonly domains: Domains;
  readonly rules: TargetRules;
  readonly authorize: Authorize;
  /** As `authorize('links:write')`, and lets in whoever may shorten without a key. */
  readonly authorizeCreate: ReturnType<Authorize>;
  /** Charges the caller of a batch for its rows; throws the problem when they are more than it has left. */
  readonly chargeRows: CallerCharges['rows'];
  /** Exact counts by link id. */
  readonly clickTotals: (linkIds: readonly number[]) => Promise<ReadonlyMap<number, number>>;
}

/** `/links`, to be registered under the API's prefix. */
export async function linkRoutes(instance: FastifyInstance, options: LinkRoutesOptions): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  const { links, domains, authorize, authorizeCreate, clickTotals } = options;
  const schemas = linkSchemas(options.rules, domains);
  const { newLink, linkEdit } = schemas;
  const tags = ['links'];

  const toAnswers = async (found: readonly Link[]) => {
    const totals = await clickTotals(found.map(({ id }) => id));
    return found.map((link) => toLinkAnswer(link, totals.get(link.id) ?? 0, domains));
  };
  const toAnswer = async (link: Link) => toLinkAnswer(link, (await clickTotals([link.id])).get(link.id) ?? 0, domains);
  const missing = (code: string) =>
    new Problem('not-found', { detail: `There is no link "${code}"; list them with GET /api/v1/links` });

  app.post(
    '/links',
    {
      onRequest: authorizeCreate,
      // The body is checked below, as a batch's rows are: how depends on the Idempotency-Key. Its schema stands here for OpenAPI.
      validatorCompiler: (part) =>
        part.httpPart === 'body' ? (value: unknown) => ({ value }) : validatorCompiler(part as never),
      schema: {
        summary: 'Make a link',
        tags,
        security,
        headers: idempotencyHeaders,
        body: newLink,
        response: { 201: linkAnswer, 409: problemSchema, ...bodyFailures },
      },
    },
    async (request, reply) => {
      const context = createContext(request, request.headers['idempotency-key']);
      const body = checkNewLink(request.body, schemas, context);
      if ('errors' in body) throw invalidLink(body.errors);
      const [outcome] = await links.create([{ link: toNewLink(body.link, domains), position: 0 }], context);
      if (outcome === undefined || !('link' in outcome)) throw refusal(outcome, body.link);
      // A new link has no clicks, and a repeated answer is that of the first time.
      const answer = toLinkAnswer(outcome.link, 0, domains);
      if (outcome.outcome === 'repeated') reply.header('idempotency-replayed', 'true');
      return reply.code(201).header('location', answer.shortUrl).send(answer);
    },
  );

  app.post(
    '/links/batch',
    {
      onRequest: authorize('links:write', 'by-rows'),
      preHandler: async (request, reply) => options.chargeRows(request.caller, reply, request.body.links),
      bodyLimit: 16 * 1024 * 1024,
      schema: {
        summary: 'Make up to 1,000 links',
        description:
          'Each row is made or refused by itself; the results stand in the order of the rows: 201 for a link made now, 200 for one that an earlier request with the same Idempotency-Key made. At most 100 of them may have a password. A key with a plan is charged for each row: 429 when they are more than it has left, and then none is made. A repetition with the same Idempotency-Key and the same rows is free for ten minutes.',
        tags,
        security,
        headers: idempotencyHeaders,
        body: batchBody,
        response: { 207: batchAnswer, ...bodyFailures },
      },
    },
    async (request, reply) => {
      request.cost = request.body.links.length;
      const context = createContext(request, request.headers['idempotency-key']);
      return reply.code(207).send({
        results: await createBatch(request.body.links, { schemas, links, domains, context, path: request.url }),
      });
    },
  );

  app.get(
    '/links',
    {
      onRequest: authorize('links:read'),
      schema: {
        summary: 'List links',
        tags,
        security,
        querystring: listQuery,
        response: { 200: z.object({ data: z.array(linkAnswer), nextCursor: z.string().nullable() }), ...failures },
      },
    },
    async ({ query }) => {
      const { cursor, limit, sort, search, tag } = query;
      const after = cursor === undefined ? undefined : parseCursor(cursor, sort);
      if (cursor !== undefined && after === undefined) {
        const message = `must be the "nextCursor" of a page in the same order, got ${shown(cursor)}; leave it out to begin anew`;
        throw new Problem('invalid-request', {
          detail: 'The cursor is not one of ours',
          errors: [{ field: 'query.cursor', message }],
        });
      }
      // One more than asked for tells whether there is another page.
      const found = await links.list({
        limit: limit + 1,
        sort,
        after,
        search: search === '' ? undefined : search,
        tag,
      });
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return { data: await toAnswers(page), nextCursor: last === undefined ? null : formatCursor(sort, last) };
    },
  );

  const oneOf = { tags, security, params: codeParams, querystring: domainQuery };

  app.get(
    '/links/:code',
    {
      onRequest: authorize('links:read'),
      schema: { summary: 'Show a link', ...oneOf, response: { 200: linkAnswer, 404: problemSchema, ...failures } },
    },
    async (request) => {
      const link = await links.find(addressOf(domains, request.params.code, request.query.domain));
      if (link === undefined) throw missing(request.params.code);
      return toAnswer(link);
    },
  );

  app.patch(
    '/links/:code',
    {
      onRequest: authorize('links:write'),
      schema: {
        summary: 'Change a link',
        ...oneOf,
        body: linkEdit,
        response: { 200: linkAnswer, 404: problemSchema, ...bodyFailures },
      },
    },
    async (request) => {
      const address = addressOf(domains, request.params.code, request.query.domain);
      // Counted first: once the change is made, nothing may fail that could make it look undone.
      const before = await links.find(address);
      if (before === undefined) throw missing(request.params.code);
      const totals = await clickTotals([before.id]);
      const link = await links.update(address, toLinkEdit(request.body));
      if (link === undefined) throw missing(request.params.code);
      return toLinkAnswer(link, totals.get(link.id) ?? 0, domains);
    },
  );

  app.delete(
    '/links/:code',
    {
      onRequest: authorize('links:write'),
      schema: { summary: 'Delete a link', ...oneOf, response: { 204: z.null(), 404: problemSchema, ...failures } },
    },
    async (request, reply) => {
      const gone = await links.remove(addressOf(domains, request.params.code, request.query.domain));
      if (!gone) throw missing(request.params.code);
      return reply.code(204).send(null);
    },
  );
}
