import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Decision } from '../core/decision.ts';
import { andThen } from '../limited/awaitable.ts';
import { applyHeaders } from './apply-headers.ts';
import { type Admission, createGuard, type GuardOptions } from './guard.ts';
import { rateLimitProblem } from './problem.ts';
import { whenAnswered } from './when-answered.ts';

/** Without `trustedProxies`, Express' own setting `trust proxy` decides whose `X-Forwarded-For` is believed. */
export interface RateLimitOptions extends GuardOptions<[request: Request]> {
  /** Answers a refused request, whose headers are set. Default: 429 (503 if the store had to say so) as problem+json. */
  readonly refuse?: (request: Request, response: Response, decision: Decision) => unknown;
}

/**
 * Express middleware: `app.use(rateLimit({ limiter }))`, or for one route. With several on one route, each adds its headers.
 * @throws {ConfigurationError} when the options can not be met
 */
export function rateLimit(options: RateLimitOptions): RequestHandler {
  const { refuse = sendProblem } = options;
  const guard = createGuard<[Request]>(options, {
    address: (request) => request.socket.remoteAddress ?? '',
    forwardedFor: (request) => request.headers['x-forwarded-for']?.toString(),
    believed: (request) => request.ip ?? '',
  });

  /** Whether the request goes on. */
  function answer(request: Request, response: Response, admission: Admission | undefined): boolean | Promise<boolean> {
    if (admission === undefined) return true;
    applyHeaders(headersOf(response), admission.headers);
    if (admission.answered !== undefined) whenAnswered(response, admission.answered);
    if (admission.decision.outcome === 'allowed') return true;
    return andThen(refuse(request, response, admission.decision), () => false);
  }

  return function limit(request: Request, response: Response, next: NextFunction): void {
    const passes = andThen(guard(request), (admission) => answer(request, response, admission));
    // `next` runs the rest of the request, and its errors are not this function's: hence two arguments, and not a `catch`.
    if (passes instanceof Promise) passes.then((pass) => pass && next(), next);
    else if (passes) next();
  };
}

const headersOf = (response: Response) => ({
  get: (name: string) => response.getHeader(name)?.toString(),
  set: (name: string, value: string) => {
    response.setHeader(name, value);
  },
});

function sendProblem(_request: Request, response: Response, decision: Decision): void {
  const problem = rateLimitProblem(decision);
  response
    .status(problem?.status ?? 429)
    .type('application/problem+json')
    .send(JSON.stringify(problem));
}
