import { problemSchema } from './problem.ts';

/** The ways a route with a key can fail. */
export const failures = {
  401: problemSchema,
  403: problemSchema,
  422: problemSchema,
  429: problemSchema,
  503: problemSchema,
};

/** Those of a route with a body besides. */
export const bodyFailures = { 400: problemSchema, 413: problemSchema, 415: problemSchema, ...failures };

/** For OpenAPI: either way to send a key. */
export const security = [{ apiKey: [] }, { bearer: [] }];

/** Text that every database can hold: no control characters, NUL above all, and no half of a surrogate pair. */
export const PLAIN_TEXT = /^[^\p{Cc}\p{Cs}]*$/u;
