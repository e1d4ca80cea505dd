import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { z } from 'zod';

/** One thing wrong with a request: where, and what to send instead. */
export const fieldError = z
  .object({
    field: z.string().describe('Where: `url`, `tags.2`, or `headers.idempotency-key`.'),
    message: z.string().describe('Names the value and the remedy.'),
  })
  .meta({ id: 'FieldError' });

/** RFC 9457. */
export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string().optional(),
    errors: z.array(fieldError).optional(),
  })
  .catchall(z.unknown())
  .meta({ id: 'Problem', description: 'What went wrong and how to mend it (RFC 9457).' });

export type FieldError = z.output<typeof fieldError>;
export type ProblemBody = z.output<typeof problemSchema>;

/** The kinds of problem, each with its status and title. Stable: clients may switch on `type`. */
const KINDS = {
  'malformed-request': [400, 'The request can not be read'],
  'key-missing': [401, 'This call needs a key'],
  'key-unknown': [401, 'The key is not valid'],
  'scope-missing': [403, 'The key may not do this'],
  'not-found': [404, 'Not found'],
  'method-not-allowed': [405, 'The method is not allowed here'],
  'alias-taken': [409, 'The alias is taken'],
  'admin-key': [409, 'The admin key is not changed by the API'],
  'own-key': [409, 'A key can not revoke itself'],
  'retry-gone': [409, 'The link that this key made is gone'],
  'plan-in-use': [409, 'The plan is in use'],
  'plan-elsewhere': [409, 'The plan is not in the database'],
  'too-many-plans': [409, 'There are as many plans as there may be'],
  gone: [410, 'The link no longer leads anywhere'],
  'too-large': [413, 'The body is too large'],
  'url-too-long': [414, 'The path is too long'],
  'media-type': [415, 'The body is not of the type that this call takes'],
  expectation: [417, 'The expectation can not be met'],
  'invalid-request': [422, 'The request has mistakes'],
  'key-reused': [422, 'The idempotency key was used for another request'],
  'quota-exceeded': [429, 'Too many requests'],
  'headers-too-large': [431, 'The headers are too large'],
  internal: [500, 'Something went wrong here'],
  unavailable: [503, 'Not available right now'],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemKind = keyof typeof KINDS;

export interface ProblemOptions {
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  /** Seconds, whole. */
  readonly retryAfter?: number;
  /** Further members of the body. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** Further headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Ends a request with a problem. Thrown only inside handlers; one error handler turns it into the answer. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly kind: ProblemKind;
  readonly options: ProblemOptions;

  constructor(kind: ProblemKind, options: ProblemOptions) {
    super(options.detail);
    this.kind = kind;
    this.options = options;
  }
}

export const statusOf = (kind: ProblemKind): number => KINDS[kind][0];

/** The body of a problem. `instance` is the path that was asked for. */
export function problemBody(kind: ProblemKind, options: ProblemOptions, instance?: string): ProblemBody {
  const [status, title] = KINDS[kind];
  return {
    // The one type that IANA keeps for us is used as it stands there.
    type:
      kind === 'quota-exceeded'
        ? 'https://iana.org/assignments/http-problem-types#quota-exceeded'
        : `urn:spillway:problem:${kind}`,
    title,
    status,
    detail: options.detail,
    ...(instance === undefined ? {} : { instance: instance.slice(0, 200) }),
    ...(options.errors === undefined ? {} : { errors: [...options.errors] }),
    ...options.extra,
  };
}

/** The headers of a problem, its length aside. */
export function problemHeaders(options: ProblemOptions): Record<string, string> {
  return {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    ...(options.retryAfter === undefined ? {} : { 'retry-after': String(options.retryAfter) }),
    ...options.headers,
  };
}

/** A problem as raw HTTP, for requests that Node could not even parse: no path is known, so the occurrence itself is named. */
export function rawProblem(kind: ProblemKind, detail: string, servedBy: string): string {
  const status = statusOf(kind);
  const body = JSON.stringify(problemBody(kind, { detail }, `urn:uuid:${randomUUID()}`));
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Served-By: ${servedBy}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
