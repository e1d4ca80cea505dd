import { isSpillwayError, type SpillwayError } from '@spillway/kernel';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { Logger } from '../log.ts';
import { OutOfSpaceError } from '../sql/out-of-space-error.ts';
import { toFieldErrors } from './field-errors.ts';
import { Problem, type ProblemOptions, problemBody, problemHeaders, statusOf } from './problem.ts';

/** Any error of a handler -> a problem. What is not foreseen is logged and answered without its insides. */
export function toProblem(error: unknown, log: Logger): Problem {
  if (error instanceof Problem) return error;
  if (hasZodFastifySchemaValidationErrors(error)) return fromValidation(error as FastifyError);
  if (isSpillwayError(error) && error.retryable) {
    log.debug({ err: error }, 'a request was not served');
    return new Problem('unavailable', { detail: unavailable(error), retryAfter: 1 });
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new Problem('malformed-request', { detail: 'The body is not as long as Content-Length says' });
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Problem('too-large', {
        detail:
          'The body is longer than this call takes: 1 MiB, a batch 16 MiB, a password form 4 KiB; send less at once',
      });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Problem('media-type', { detail: 'Send the body as "Content-Type: application/json"' });
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new Problem('url-too-long', {
        detail: 'A part of the path is over 200 characters; a code has at most 64',
      });
    case 'FST_ERR_BAD_URL':
      return new Problem('malformed-request', { detail: 'The path has a broken %-encoding' });
  }
  // Whatever else Fastify finds wrong with a request before its route sees it.
  if (error instanceof Error && 'statusCode' in error && error.statusCode === 400) {
    return new Problem('malformed-request', { detail: error.message });
  }
  log.error({ err: error }, 'a request failed');
  return new Problem('internal', { detail: 'The error was logged; try again later' });
}

/** For users: which of the parts is away, the log, `/readyz` and the metrics tell those who run the service. */
function unavailable(error: SpillwayError): string {
  if (error instanceof OutOfSpaceError) return 'The service is out of space; free some on the disk of DATA_DIR';
  if (error.code === 'SPILLWAY_OVERLOADED') {
    return 'The service has more to do than it can take right now; try again in a second';
  }
  return 'The service can not reach its data right now; try again in a second. A change may have been made all the same: repeat it with the same Idempotency-Key, if it had one';
}

const PARTS: Record<string, string> = { body: '', querystring: 'query.', params: 'path.', headers: 'headers.' };

function fromValidation(error: FastifyError): Problem {
  const prefix = PARTS[error.validationContext ?? ''] ?? '';
  const issues = (error.validation ?? []).map(({ instancePath, keyword, message, params }) => ({
    path: instancePath.slice(1).split('/'),
    message: message ?? 'is not valid',
    code: keyword,
    keys: params.keys,
  }));
  const errors = toFieldErrors(issues, prefix);
  return new Problem('invalid-request', { detail: `${errors.length} field(s) at fault; see "errors"`, errors });
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  const { kind, options }: { kind: Problem['kind']; options: ProblemOptions } = problem;
  const path = request.url.split('?', 1)[0] ?? request.url;
  return reply
    .code(statusOf(kind))
    .headers(problemHeaders(options))
    .serializer(JSON.stringify)
    .send(problemBody(kind, options, path));
}
