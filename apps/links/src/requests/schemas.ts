import { type Duration, toMs } from '@spillway/kernel';
import { z } from 'zod';
import { time } from '../clicks/schemas.ts';
import { PLAIN_TEXT } from '../http/route-schemas.ts';
import { pageSize, saying } from '../http/saying.ts';
import { BASELINE_WINDOWS } from './changes.ts';
import { MAX_TEXT, OUTCOMES } from './request.ts';
import { MINUTE_MS, SUBJECTS } from './roll-up.ts';
import { RULE } from './sudden.ts';

const query = saying('must be a query');
const once = saying('must be given once, as text');
const plain = (most: number, meaning: string) => {
  const says = saying(`must be text of 1 to ${most} characters`);
  return z
    .string(once)
    .min(1, says)
    .max(most, says)
    .regex(PLAIN_TEXT, saying('must have no control characters, and only whole Unicode characters'))
    .optional()
    .describe(meaning);
};
const route = plain(MAX_TEXT, 'A route as the list shows it, e.g. `/api/v1/links/:code`; `/:code` is a redirect.');

export const requestsQuery = z.strictObject(
  {
    cursor: z
      .string(once)
      .max(64, saying('must be a "nextCursor", which has at most 64 characters'))
      .optional()
      .describe('`nextCursor` of the page before.'),
    limit: pageSize(100).describe('Requests per page.'),
    from: time('First moment, an RFC 3339 time or a date (UTC). Default: all that is kept.'),
    to: time('First moment after the range. Default: now.'),
    key: plain(100, "A key's id, or `admin`."),
    client: z
      .string(once)
      .regex(/^[0-9a-f]{16}$/, saying('must be a client as the list shows it: 16 of 0-9 and a-f'))
      .optional()
      .describe("A client's hash."),
    route,
    outcome: z
      .enum(OUTCOMES, saying(`must be one of ${OUTCOMES.join(', ')}`))
      .optional()
      .describe('How it ended.'),
  },
  query,
);

const by = z
  .enum(SUBJECTS, saying('must be key or client'))
  .default('key')
  .meta({ default: 'key' })
  .describe('Whose requests are counted together.');

export const offendersQuery = z.strictObject(
  {
    from: time('First moment, rounded down to a minute. Default: a day before `to`.'),
    to: time('First moment after the range, rounded up to a minute. Default: the end of the current one.'),
    by,
    route,
    limit: pageSize(20).describe('Entries of each list.'),
  },
  query,
);

const windowSays = saying('must be a number of whole minutes from 1m to 12h, like "5m"');
const LONGEST_MS = 12 * 60 * MINUTE_MS;

/** Undefined for what is no window. */
export function readWindow(text: string): number | undefined {
  if (!/^\d{1,6}(?:ms|s|m|h|d)$/.test(text)) return undefined;
  const ms = toMs(text as Duration);
  return ms >= MINUTE_MS && ms <= LONGEST_MS && ms % MINUTE_MS === 0 ? ms : undefined;
}

export const changesQuery = z.strictObject(
  {
    by,
    window: z
      .string(windowSays)
      .refine((text) => readWindow(text) !== undefined, windowSays)
      .default('5m')
      .meta({ default: '5m' })
      .describe(
        `Width of the last window, 1m to 12h. It is compared with up to ${BASELINE_WINDOWS} of that width before it.`,
      ),
    to: time('Where the last window ends, rounded down to a minute. Default: the minute that ended last.'),
    limit: pageSize(20).describe('Entries.'),
  },
  query,
);

const count = z.int().min(0);
const at = z.iso.datetime().describe('RFC 3339, UTC.');
const key = z.string().nullable().describe("The key's id, `admin`, or null: none, or one that is nobody's.");
const client = z
  .string()
  .describe(
    'The same for all requests of one client address, of IPv6 of one /64, and for the clicks of IPv4; a keyed hash.',
  );
const subject = z.string().describe("A key's id, or a client's hash.");

export const requestsAnswer = z
  .object({
    data: z.array(
      z.object({
        at,
        key,
        client,
        method: z.string(),
        route: z.string().describe('As in this description, with `:name` for what varies; `none` for an unknown path.'),
        status: z.int(),
        outcome: z
          .enum(OUTCOMES)
          .describe(
            '`limited`: 429. `not-found`: 404 or 410. `unauthorized`: 401 or 403. `refused`: other 4xx. `failed`: 5xx. `denied`: a `POST /limits/check` whose answer 200 is a refusal.',
          ),
        policy: z.string().nullable().describe('The policy that refused it, or the one that its answer told of.'),
        cost: count.describe('What it was charged for, e.g. the rows of a batch.'),
        weight: z
          .int()
          .min(1)
          .describe('How many requests it stands for; more than 1 where one of so many is recorded.'),
      }),
    ),
    nextCursor: z.string().nullable(),
  })
  .meta({ id: 'Requests', description: 'A page of the log of requests, newest first.' });

const offender = z
  .object({
    subject,
    requests: count,
    limited: count.describe('Answered with 429.'),
    limitedShare: z.number().min(0).max(1).describe('Of the requests.'),
    notFound: count,
    unauthorized: count,
    refused: count,
    failed: count,
    cost: count,
    denied: count.describe('Of its `POST /limits/check`: refusals, which are no `limited` calls of its own.'),
    recorded: count.describe('Records behind these figures: fewer than requests where one of so many is recorded.'),
  })
  .meta({ id: 'Offender' });

export const offendersAnswer = z
  .object({
    from: at,
    to: at,
    by: z.enum(SUBJECTS),
    mostLimited: z.array(offender).describe('Those that were limited, the most often limited first.'),
    mostRequests: z.array(offender).describe('The most requests first.'),
    mostMisses: z
      .array(offender)
      .describe(
        'Those that asked for what is not there or not theirs (`notFound` and `unauthorized` together), the most often first: whoever guesses codes, keys or passwords.',
      ),
  })
  .meta({ id: 'Offenders', description: 'Who was limited most, who asked most, and who missed most.' });

export const changesAnswer = z
  .object({
    from: at.describe('Where the last window begins.'),
    to: at,
    by: z.enum(SUBJECTS),
    windows: count.describe(
      `How many windows it was compared with, ${BASELINE_WINDOWS} at most; 0 while the log is younger than three.`,
    ),
    data: z.array(
      z.object({
        subject,
        requests: count.describe('In the last window.'),
        limited: count.describe('Of these.'),
        baseline: z.number().describe('Median of the windows before.'),
        spread: z
          .number()
          .describe('How far windows lie from it: 1.4826 times the median deviation, or that of chance if it is more.'),
        ratio: z.number().nullable().describe('`requests` to `baseline`; null where that is 0.'),
        score: z.number().describe(`(requests - baseline) / spread. Listed from ${RULE.score} on.`),
      }),
    ),
  })
  .meta({ id: 'RateChanges', description: 'Whose rate of requests rose suddenly, the highest score first.' });
