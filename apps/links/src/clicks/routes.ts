import type { SqlQueries } from '@spillway/kernel';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { Problem, problemSchema } from '../http/problem.ts';
import { failures, security } from '../http/route-schemas.ts';
import { formatCursor, parseCursor, readClicks } from './raw-clicks.ts';
import { clicksAnswer, clicksQuery, codeParams, linkStatsQuery, readTime, statsAnswer, statsQuery } from './schemas.ts';
import { readStats, type Stats } from './stats.ts';
import { type StatsRange, toStatsRange } from './stats-range.ts';

export interface ClickRoutesOptions {
  /** Where statistics are read. */
  readonly sql: SqlQueries;
  /** The link that `code` names for this request; undefined when there is none. May throw a problem of its own. */
  findLinkId(request: FastifyRequest, code: string): Promise<number | undefined>;
}

const linkFailures = { 404: problemSchema, ...failures };

/** `GET /links/:code/stats`, `GET /links/:code/clicks` and `GET /stats`, to be registered under the API's prefix. */
export async function clickRoutes(instance: FastifyInstance, options: ClickRoutesOptions): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  const linkIdOf = async (request: FastifyRequest, code: string): Promise<number> => {
    const linkId = await options.findLinkId(request, code);
    if (linkId !== undefined) return linkId;
    throw new Problem('not-found', { detail: `There is no link "${code}"; list them with GET /api/v1/links` });
  };

  app.get(
    '/links/:code/stats',
    {
      schema: {
        summary: 'Statistics of a link',
        tags: ['statistics'],
        security,
        params: codeParams,
        querystring: linkStatsQuery,
        response: { 200: statsAnswer, ...linkFailures },
      },
    },
    async (request) => {
      const range = rangeOf(request.query);
      const linkId = await linkIdOf(request, request.params.code);
      return toAnswer(await readStats(options.sql, { linkId }, range));
    },
  );

  app.get(
    '/stats',
    {
      schema: {
        summary: 'Statistics of the whole service',
        tags: ['statistics'],
        security,
        querystring: statsQuery,
        response: { 200: statsAnswer, ...failures },
      },
    },
    async (request) => toAnswer(await readStats(options.sql, 'service', rangeOf(request.query))),
  );

  app.get(
    '/links/:code/clicks',
    {
      schema: {
        summary: 'Clicks of a link, newest first',
        tags: ['statistics'],
        security,
        params: codeParams,
        querystring: clicksQuery,
        response: { 200: clicksAnswer, ...linkFailures },
      },
    },
    async (request) => {
      const { cursor, limit } = request.query;
      const after = cursor === undefined ? undefined : parseCursor(cursor);
      if (cursor !== undefined && after === undefined) {
        throw invalid([
          {
            path: 'cursor',
            message: `must be the nextCursor of a page before, got "${cursor}"; leave it out to begin`,
          },
        ]);
      }
      const linkId = await linkIdOf(request, request.params.code);
      const { clicks, next } = await readClicks(options.sql, { linkId, after, limit });
      return {
        data: clicks.map(({ atMs, ...click }) => ({ at: rfc3339(atMs), ...click })),
        nextCursor: next === undefined ? null : formatCursor(next),
      };
    },
  );
}

function rangeOf(query: z.output<typeof statsQuery>): StatsRange {
  const { from, to, interval } = query;
  const asked = {
    from: from === undefined ? undefined : readTime(from),
    to: to === undefined ? undefined : readTime(to),
    interval,
  };
  const result = toStatsRange(asked, Date.now());
  if ('range' in result) return result.range;
  throw invalid(result.issues);
}

function invalid(issues: readonly { path: string; message: string }[]): Problem {
  return new Problem('invalid-request', {
    detail: `${issues.length} field(s) at fault; see "errors"`,
    errors: issues.map(({ path, message }) => ({ field: `query.${path}`, message })),
  });
}

const rfc3339 = (atMs: number): string => new Date(atMs).toISOString();

function toAnswer({
  totals,
  series,
  referrers,
  countries,
  browsers,
  systems,
  devices,
}: Stats): z.output<typeof statsAnswer> {
  return {
    totals,
    series: series.map(({ atMs, ...counts }) => ({ at: rfc3339(atMs), ...counts })),
    referrers: [...referrers],
    countries: [...countries],
    browsers: [...browsers],
    systems: [...systems],
    devices: [...devices],
  };
}
