import { UNREADABLE } from './route-schemas.ts';

const description = 'What went wrong and how to mend it; a page for those whose `Accept` asks for HTML.';
const problem = { schema: { $ref: '#/components/schemas/Problem' } };
const page = { 'text/html': { schema: { type: 'string' } } } as const;
const failures = (statuses: readonly number[], content: object) =>
  Object.fromEntries(statuses.map((status) => [status, { description, content }]));

const code = {
  name: 'code',
  in: 'path',
  required: true,
  schema: { type: 'string', pattern: '^[0-9A-Za-z_-]{1,64}$' },
} as const;

const redirect = (meaning: string) => ({
  description: meaning,
  headers: { Location: { description: "The link's URL.", schema: { type: 'string', format: 'uri' } } },
});
const asTheLinkSays = redirect('To the URL, with the status that the link was made with.');
const asPage = { 'application/problem+json': problem, ...page };
const asProblem = { 'application/problem+json': problem };

/** For OpenAPI, what no route's schema describes: redirects pass no router, a form is no JSON, and neither are metrics. */
export const DESCRIBED_PATHS = {
  '/{code}': {
    get: {
      summary: 'Follow a link',
      description: 'A HEAD does the same and is no click.',
      tags: ['redirect'],
      parameters: [code],
      responses: {
        200: { description: 'The form of a link with a password.', content: page },
        ...Object.fromEntries([301, 302, 307, 308].map((status) => [status, asTheLinkSays])),
        ...failures([404, 410, 429, 503], asPage),
        ...failures(UNREADABLE, asProblem),
      },
    },
    post: {
      summary: 'Open a link with a password',
      tags: ['redirect'],
      parameters: [code],
      requestBody: {
        required: true,
        content: {
          'application/x-www-form-urlencoded': {
            schema: { type: 'object', required: ['password'], properties: { password: { type: 'string' } } },
          },
        },
      },
      responses: {
        303: redirect('To the URL, with a GET.'),
        403: { description: 'The form again: this is not the password.', content: page },
        ...failures([...UNREADABLE, 404, 410, 413, 415, 429, 503], asProblem),
      },
    },
  },
  '/metrics': {
    get: {
      summary: 'Figures for Prometheus',
      tags: ['operations'],
      responses: {
        200: {
          description: 'In the text format of Prometheus, version 0.0.4.',
          content: { 'text/plain': { schema: { type: 'string' } } },
        },
        ...failures(UNREADABLE, asProblem),
      },
    },
  },
} as const;
