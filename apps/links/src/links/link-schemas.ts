import { z } from 'zod';
import { problemSchema } from '../http/problem.ts';
import { PLAIN_TEXT } from '../http/route-schemas.ts';
import { futureTime, pageSize, saying, sayingLength } from '../http/saying.ts';
import { aliasFault } from './alias.ts';
import type { Domains } from './domains.ts';
import { REDIRECT_STATUSES } from './link.ts';
import { SORTS } from './link-store.ts';
import { checkTarget, MAX_TARGET_LENGTH, type TargetRules } from './target.ts';

const MAX_TAGS = 20;
const MAX_BATCH = 1_000;

const plainSays = saying('must have no control characters, and only whole Unicode characters');

const text = (most: number) => {
  const says = saying(`must be text of 1 to ${most} characters`);
  return z.string(says).trim().min(1, says).max(most, says).regex(PLAIN_TEXT, plainSays);
};

const title = text(500);
const tag = text(64);
const tags = z
  .array(tag, saying('must be a list of texts'))
  .max(MAX_TAGS, sayingLength(`must be at most ${MAX_TAGS} tags`))
  .transform((list) => [...new Set(list)]);

const status = z
  .literal(REDIRECT_STATUSES, saying(`must be one of ${REDIRECT_STATUSES.join(', ')}`))
  .describe(
    '302 unless said otherwise: a browser keeps a 301 or 308 for ever, so that the link can neither change nor be counted.',
  );

const maxClicks = z
  .int({ abort: true, ...saying('must be a whole number from 1 to 1000000000') })
  .min(1, saying('must be at least 1'))
  .max(1_000_000_000, saying('must be at most 1000000000'));
const password = z
  .string({ error: ({ input }) => `must be text, got one of type ${input === null ? 'null' : typeof input}` })
  .min(4, sayingLength('must have at least 4 characters'))
  .max(200, sayingLength('must have at most 200 characters'));

/** As `futureTime`, but it may have passed. */
const anyTime = z.iso
  .datetime({ offset: true, abort: true, ...saying('must be a time like 2030-01-31T12:00:00Z') })
  .refine((time) => Date.parse(time) < Date.UTC(10_000, 0), saying('must be before the year 10000'));

/** The bodies of the routes; the rules for targets depend on the configuration. */
export function linkSchemas(rules: TargetRules, domains: Pick<Domains, 'byHost' | 'named'>) {
  const url = z
    .string(saying('must be text, an http or https URL'))
    .superRefine((value, context) => {
      const target = checkTarget(value, rules);
      if (target.outcome === 'refused') context.addIssue({ code: 'custom', message: target.fault });
    })
    .describe(`http or https, at most ${MAX_TARGET_LENGTH} characters`);
  const alias = z.string(saying('must be text')).superRefine((value, context) => {
    const fault = aliasFault(value);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  });
  const domain = z
    .string(saying('must be text'))
    .refine(
      (host) => domains.named(host) !== undefined,
      saying(`must be one of ${[...domains.byHost.keys()].join(', ')}`),
    );

  const newLink = z
    .strictObject(
      {
        url,
        alias: alias.optional(),
        domain: domain.optional(),
        expiresAt: futureTime.optional(),
        maxClicks: maxClicks.optional(),
        password: password.optional(),
        tags: tags.optional(),
        title: title.optional(),
        status: status.optional(),
      },
      saying('must be an object with a url'),
    )
    .meta({ id: 'NewLink' });
  const repeatedLink = newLink.extend({ expiresAt: anyTime.optional() });
  const linkEdit = z
    .strictObject(
      {
        url: url.optional(),
        title: title.nullable().optional(),
        tags: tags.optional(),
        status: status.optional(),
        expiresAt: futureTime.nullable().optional(),
        maxClicks: maxClicks.nullable().optional(),
        password: password.nullable().optional(),
      },
      saying('must be an object'),
    )
    .meta({ id: 'LinkEdit', description: 'What is left out stays; null takes it away.' });
  return { newLink, repeatedLink, linkEdit };
}

export type LinkSchemas = ReturnType<typeof linkSchemas>;
export type NewLinkBody = z.output<LinkSchemas['newLink']>;
export type LinkEditBody = z.output<LinkSchemas['linkEdit']>;

/** Rows are checked one by one, so that a wrong one does not refuse the others. */
export const batchBody = z
  .strictObject(
    {
      links: z
        .array(z.unknown(), saying('must be a list'))
        .min(1, sayingLength('must have at least one link'))
        .max(MAX_BATCH, sayingLength(`must have at most ${MAX_BATCH} links; send more in further requests`)),
    },
    saying('must be an object with a list "links"'),
  )
  .meta({ id: 'NewLinks' });

export const linkAnswer = z
  .object({
    code: z.string(),
    shortUrl: z.string(),
    domain: z.string(),
    onDefaultDomain: z.boolean().describe('Whether `domain` is the one that links live on when none is named.'),
    url: z.string(),
    title: z.string().nullable(),
    tags: z.array(z.string()),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
    maxClicks: z.int().nullable(),
    usedClicks: z.int().nullable().describe('How many of `maxClicks` have been used.'),
    clicks: z.int(),
    status: z.int(),
    hasPassword: z.boolean(),
  })
  .meta({ id: 'Link' });

export type LinkAnswer = z.output<typeof linkAnswer>;

const code = saying('must be a code of 1 to 200 characters');
const once = saying('must be given once, as text');

export const codeParams = z.object({ code: z.string(code).min(1, code).max(200, code) });
const query = saying('must be a query');
export const domainQuery = z.strictObject(
  { domain: z.string(once).optional().describe('The host that the link lives on, if it is not the default one.') },
  query,
);

export const listQuery = z.strictObject(
  {
    cursor: z
      .string(once)
      .max(500, saying('must be a "nextCursor", which has at most 500 characters'))
      .optional()
      .describe('`nextCursor` of the page before.'),
    limit: pageSize(50),
    search: z
      .string(once)
      .trim()
      .max(200, saying('must have at most 200 characters'))
      .regex(PLAIN_TEXT, plainSays)
      .optional()
      .describe('In code, URL and title, without regard to case.'),
    tag: z.string(once).max(64, saying('must have at most 64 characters')).regex(PLAIN_TEXT, plainSays).optional(),
    sort: z.enum(SORTS, saying(`must be one of ${SORTS.join(', ')}`)).default('-createdAt'),
  },
  query,
);

export const idempotencyHeaders = z.object({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,200}$/, saying('must be 1 to 200 visible ASCII characters'))
    .optional()
    .describe('A retry with the same key makes no second link. Remembered for 48 hours.'),
});

const batchRow = z
  .union([
    z.object({
      status: z
        .literal([200, 201])
        .describe('201: made now; 200: an earlier request with this Idempotency-Key made it.'),
      link: linkAnswer,
    }),
    z.object({ status: z.int(), problem: problemSchema }),
  ])
  .meta({ id: 'BatchResult' });

export type BatchRow = z.output<typeof batchRow>;

export const batchAnswer = z.object({ results: z.array(batchRow) });
