import type { IncomingMessage, ServerResponse } from 'node:http';
import { isSpillwayError } from '@spillway/kernel';
import { type ProblemKind, type ProblemOptions, statusOf } from '../http/problem.ts';
import type { Logger } from '../log.ts';
import type { RequestRecorder } from '../requests/recorder.ts';
import type { DecidedIn, Outcome, RedirectCounts } from './outcomes.ts';
import { htmlHeaders, passwordPage } from './pages.ts';
import { refuse } from './refusals.ts';
import { hadItsShare, type Refused } from './refused.ts';

/** One request for a code. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** By the monotonic clock. */
  readonly startedMs: number;
}

/** How a request for a code ends that is not redirected: each answers it, and counts it. */
export interface Endings {
  limited(exchange: Exchange, refused: Refused): void;
  notFound(exchange: Exchange, code: string, from: DecidedIn): void;
  expired(exchange: Exchange, code: string, from: DecidedIn): void;
  usedUp(exchange: Exchange, code: string): void;
  form(exchange: Exchange, code: string, from: DecidedIn): void;
  unavailable(exchange: Exchange, error: unknown): void;
}

export function createEndings(options: {
  readonly instance: string;
  readonly counts: RedirectCounts;
  readonly requests: Pick<RequestRecorder, 'redirect'>;
  /** The policy that every visit is charged to; empty for none. */
  readonly policy: string;
  readonly log: Logger;
}): Endings {
  const { instance, counts, requests, policy, log } = options;
  const end = (
    { request, response, startedMs }: Exchange,
    kind: ProblemKind,
    counted: readonly [Outcome, DecidedIn],
    problem: ProblemOptions,
    by = policy,
  ): void => {
    refuse(request, response, kind, { ...problem, servedBy: instance });
    counts.count(...counted, startedMs);
    requests.redirect(request, statusOf(kind), by);
  };
  return {
    limited(exchange, refused) {
      end(exchange, 'quota-exceeded', ['limited', 'none'], hadItsShare(refused), refused.refused.policy);
    },
    notFound(exchange, code, from) {
      const detail = `There is no link "${code}"; check how it is written, large and small letters included`;
      end(exchange, 'not-found', ['not-found', from], { detail });
    },
    expired(exchange, code, from) {
      const detail = `The link "${code}" has expired; ask whoever gave it to you`;
      end(exchange, 'gone', ['gone', from], { detail });
    },
    usedUp(exchange, code) {
      const detail = `The link "${code}" has been used as often as it may be`;
      end(exchange, 'gone', ['gone', 'truth'], { detail });
    },
    form({ request, response, startedMs }, code, from) {
      const text = passwordPage(code, undefined);
      response.writeHead(200, {
        ...htmlHeaders(),
        'cache-control': 'no-store',
        'x-served-by': instance,
        'content-length': Buffer.byteLength(text),
      });
      response.end(request.method === 'HEAD' ? undefined : text);
      counts.count('form', from, startedMs);
      requests.redirect(request, 200, policy);
    },
    unavailable(exchange, error) {
      if (!isSpillwayError(error) || !error.retryable) log.error({ err: error }, 'a redirect failed');
      if (exchange.response.headersSent) {
        exchange.response.destroy();
        return;
      }
      const detail = 'Whether this link exists can not be told right now; try again';
      end(exchange, 'unavailable', ['unavailable', 'none'], { detail, retryAfter: 1 });
    },
  };
}
