import type { SqlQueries } from '@spillway/kernel';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { formatCursor, parseCursor } from '../clicks/raw-clicks.ts';
import { readTime } from '../clicks/schemas.ts';
import { Problem } from '../http/problem.ts';
import { failures, security } from '../http/route-schemas.ts';
import { shown } from '../http/saying.ts';
import type { Authorize } from '../keys/authorize.ts';
import { readChanges } from './changes.ts';
import { listRequests } from './list-requests.ts';
import { readOffenders } from './offenders.ts';
import { MINUTE_MS } from './roll-up.ts';
import {
  changesAnswer,
  changesQuery,
  offendersAnswer,
  offendersQuery,
  readWindow,
  requestsAnswer,
  requestsQuery,
} from './schemas.ts';
import { RULE } from './sudden.ts';

export interface RequestRoutesOptions {
  /** Where the log is read. */
  readonly sql: SqlQueries;
  readonly authorize: Authorize;
}

const DAY_MS = 86_400_000;
/** Where the years of RFC 3339 end. */
const LAST_MS = Date.UTC(10_000, 0);

/**
 * `GET /requests`, `/requests/offenders` and `/requests/changes`, to be registered under the API's prefix. For those who may
 * revoke a key: they show what every key does.
 */
export async function requestRoutes(
  instance: FastifyInstance,
  { sql, authorize }: RequestRoutesOptions,
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  app.addHook('onRequest', authorize('keys:admin'));
  const tags = ['requests'];

  app.get(
    '/requests',
    {
      schema: {
        summary: 'Requests, newest first',
        description:
          'API requests each, redirects by a sample (`weight`). Needs the scope "keys:admin", as do the next two.',
        tags,
        security,
        querystring: requestsQuery,
        response: { 200: requestsAnswer, ...failures },
      },
    },
    async ({ query }) => {
      const { cursor, limit, key, client, route, outcome } = query;
      const after = cursor === undefined ? undefined : parseCursor(cursor);
      if (cursor !== undefined && after === undefined) {
        throw invalid(
          'cursor',
          `must be the "nextCursor" of a page before, got ${shown(cursor)}; leave it out to begin`,
        );
      }
      const range = { fromMs: timeOf('from', query.from), toMs: timeOf('to', query.to) };
      if (range.fromMs !== undefined && range.toMs !== undefined) assertOrder(range.fromMs, range.toMs);
      const page = await listRequests(sql, { ...range, key, client, route, outcome }, { after, limit });
      return {
        data: page.requests.map(({ atMs, ...request }) => ({ at: rfc3339(atMs), ...request })),
        nextCursor: page.next === undefined ? null : formatCursor(page.next),
      };
    },
  );

  app.get(
    '/requests/offenders',
    {
      schema: {
        summary: 'Who was limited most, who asked most, and who missed most',
        tags,
        security,
        querystring: offendersQuery,
        response: { 200: offendersAnswer, ...failures },
      },
    },
    async ({ query }) => {
      const { by, route, limit } = query;
      const toMs = upToMinute(timeOf('to', query.to) ?? Date.now() + 1);
      const fromMs = downToMinute(timeOf('from', query.from) ?? Math.max(0, toMs - DAY_MS));
      assertOrder(fromMs, toMs);
      const { mostLimited, mostRequests, mostMisses } = await readOffenders(sql, { by, fromMs, toMs, route, limit });
      return {
        from: rfc3339(fromMs),
        to: rfc3339(toMs),
        by,
        mostLimited: [...mostLimited],
        mostRequests: [...mostRequests],
        mostMisses: [...mostMisses],
      };
    },
  );

  app.get(
    '/requests/changes',
    {
      schema: {
        summary: 'Whose rate rose suddenly',
        description: `The last window against those before it, of the same key or client. Listed are scores from ${RULE.score} on, with at least ${RULE.ratio} times the baseline and ${RULE.requests} requests.`,
        tags,
        security,
        querystring: changesQuery,
        response: { 200: changesAnswer, ...failures },
      },
    },
    async ({ query }) => {
      const { by, limit } = query;
      const windowMs = readWindow(query.window) ?? MINUTE_MS;
      const toMs = downToMinute(timeOf('to', query.to) ?? Date.now());
      const { windows, changes } = await readChanges(sql, { by, windowMs, toMs, limit });
      return {
        from: rfc3339(Math.max(0, toMs - windowMs)),
        to: rfc3339(toMs),
        by,
        windows,
        data: changes.map(({ requests, baseline, ...change }) => ({
          ...change,
          requests,
          baseline,
          ratio: baseline === 0 ? null : requests / baseline,
        })),
      };
    },
  );
}

const downToMinute = (atMs: number): number => Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
const upToMinute = (atMs: number): number => Math.ceil(atMs / MINUTE_MS) * MINUTE_MS;
const rfc3339 = (atMs: number): string => new Date(atMs).toISOString();

function timeOf(field: 'from' | 'to', text: string | undefined): number | undefined {
  const atMs = text === undefined ? undefined : readTime(text);
  // A minute short of the end, since it may be rounded up.
  if (atMs === undefined || (atMs >= 0 && atMs <= LAST_MS - 2 * MINUTE_MS)) return atMs;
  throw invalid(field, `must be a time from 1970 to 9999, got ${shown(text)}`);
}

function assertOrder(fromMs: number, toMs: number): void {
  if (fromMs < toMs) return;
  throw invalid('from', `must be before "to" (${rfc3339(toMs)}), got ${rfc3339(fromMs)}`);
}

const invalid = (field: string, message: string): Problem =>
  new Problem('invalid-request', {
    detail: '1 field(s) at fault; see "errors"',
    errors: [{ field: `query.${field}`, message }],
  });
