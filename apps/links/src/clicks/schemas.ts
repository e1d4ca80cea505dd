import { z } from 'zod';
import { pageSize, saying } from '../http/saying.ts';
import { MAX_POINTS } from './stats-range.ts';

const DATE = /^\d{4}-\d\d-\d\d$/;
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/i;

/** Milliseconds of an RFC 3339 time, or of a date's first moment in UTC; undefined when it is neither. */
export function readTime(text: string): number | undefined {
  if (!DATE.test(text) && !RFC_3339.test(text)) return undefined;
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs)) return undefined;
  // Date.parse takes the 31st of February for the 3rd of March.
  const day = Number(text.slice(8, 10));
  return new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)) - 1, day)).getUTCDate() === day
    ? atMs
    : undefined;
}

const timeSays = saying('must be a time like "2026-01-31T12:00:00Z" or a date like "2026-01-31"');
/** A moment in a query, read by `readTime`. */
export const time = (meaning: string) =>
  z
    .string(timeSays)
    .refine((text) => readTime(text) !== undefined, timeSays)
    .optional()
    .describe(meaning);

const query = saying('must be a query');

export const statsQuery = z.strictObject(
  {
    from: time('First moment, an RFC 3339 time or a date (UTC). Default: 30 days before `to`.'),
    to: time('First moment after the range. Default: the end of the current hour or day.'),
    interval: z
      .enum(['hour', 'day'], saying('must be hour or day'))
      .optional()
      .describe(
        `Width of the points of \`series\`, in UTC, at most ${MAX_POINTS} points. Default: \`hour\` up to a week.`,
      ),
  },
  query,
);

const domain = z
  .string(saying('must be given once, as text'))
  .max(253, saying('must have at most 253 characters'))
  .optional()
  .describe('The host that the link lives on, if it is not the default one.');

export const linkStatsQuery = statsQuery.extend({ domain });

export const clicksQuery = z.strictObject(
  {
    domain,
    cursor: z
      .string(saying('must be given once, as text'))
      .max(64, saying('must be a "nextCursor", which has at most 64 characters'))
      .optional()
      .describe('`nextCursor` of the page before.'),
    limit: pageSize(100).describe('Clicks per page.'),
  },
  query,
);

const code = saying('must be a code of 1 to 200 characters');
export const codeParams = z.object({
  code: z.string(code).min(1, code).max(200, code).describe('The short code or alias.'),
});

const count = z.int().min(0);
const at = z.iso.datetime().describe('RFC 3339, UTC.');
const counts = {
  clicks: count.describe('Redirects answered, bots included.'),
  visitors: count.describe('Distinct client addresses.'),
  bots: count.describe('Clicks whose user agent is a bot.'),
};
const top = z
  .array(z.object({ value: z.string(), clicks: count }))
  .describe('The 20 most frequent, most clicks first.');

export const statsAnswer = z
  .object({
    totals: z.object(counts),
    series: z.array(z.object({ at, ...counts })).describe('Every hour or day of the range, oldest first.'),
    referrers: top.describe('Referrers as sent; `direct` for none.'),
    countries: top.describe('ISO 3166-1 alpha-2 codes, or `unknown`.'),
    browsers: top,
    systems: top,
    devices: top,
  })
  .meta({ id: 'Stats', description: 'Exact statistics of clicks. A click counts as soon as its batch is committed.' });

export const clicksAnswer = z
  .object({
    data: z.array(
      z.object({
        at,
        visitor: z.string().describe('The same for all clicks of one client address; a keyed hash.'),
        bot: z.boolean(),
        country: z.string(),
        browser: z.string(),
        system: z.string(),
        device: z.string(),
        referrer: z.string(),
      }),
    ),
    nextCursor: z.string().nullable(),
  })
  .meta({ id: 'Clicks', description: 'A page of clicks, newest first.' });
