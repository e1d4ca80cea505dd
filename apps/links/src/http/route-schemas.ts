import { problemSchema } from './problem.ts';

/**
 * How any path answers what can not be read as a request to it: a broken %-encoding, a method that it does not take, too long a
 * target, an expectation, too long headers.
 */
export const UNREADABLE = [400, 405, 414, 417, 431] as const;

export const unreadable = {
  400: problemSchema,
  405: problemSchema,
  414: problemSchema,
  417: problemSchema,
  431: problemSchema,
} satisfies Record<(typeof UNREADABLE)[number], typeof problemSchema>;

/** The ways a route with a key can fail. */
export const failures = {
  ...unreadable,
  401: problemSchema,
  403: problemSchema,
  422: problemSchema,
  429: problemSchema,
  503: problemSchema,
};

/** Those of a route with a body besides. */
export const bodyFailures = { 413: problemSchema, 415: problemSchema, ...failures };

/** For OpenAPI: either way to send a key. */
export const security = [{ apiKey: [] }, { bearer: [] }];

/** Text that every database can hold: no control characters, NUL above all, and no half of a surrogate pair. */
export const PLAIN_TEXT = /^[^\p{Cc}\p{Cs}]*$/u;
