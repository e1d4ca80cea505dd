import type {
  FastifyInstance,
  FastifyPluginCallback,
  FastifyReply,
  FastifyRequest,
  HookHandlerDoneFunction,
} from 'fastify';
import type { Decision } from '../core/decision.ts';
import type { Limiter } from '../limiter.ts';
import { clientKey } from './client-key.ts';
import { rateLimitHeaders } from './headers.ts';
import { rateLimitProblem } from './problem.ts';

export interface RateLimitOptions {
  readonly limiter: Limiter;
  /**
   * Whom to charge; undefined charges nobody. Default: `clientKey(request.ip)`, and Fastify's `trustProxy` decides whose
   * `X-Forwarded-For` that is.
   */
  readonly key?: (request: FastifyRequest) => string | undefined;
  /** Default 1. */
  readonly cost?: (request: FastifyRequest) => number;
  /** Answers a refused request, whose headers are set. Default: 429 (503 if the store had to say so) as problem+json. */
  readonly refuse?: (request: FastifyRequest, reply: FastifyReply, decision: Decision) => void;
}

/**
 * A hook for `onRequest`, or for `preHandler` where the key needs the body or the user. Sets the rate limit headers on every
 * answer; with several limiters on one route, each adds its own.
 */
export function rateLimitHook(options: RateLimitOptions) {
  const { limiter, key = (request) => clientKey(request.ip), cost = () => 1, refuse = sendProblem } = options;

  function passes(request: FastifyRequest, reply: FastifyReply, decision: Decision): boolean {
    addHeaders(reply, limiter, decision);
    if (decision.outcome === 'allowed') return true;
    refuse(request, reply, decision);
    return false;
  }

  return function limit(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    const subject = key(request);
    if (subject === undefined) {
      done();
    } else if (limiter.synchronous) {
      if (passes(request, reply, limiter.takeNow(subject, { cost: cost(request) }))) done();
    } else {
      limiter
        .take(subject, { cost: cost(request) })
        .then((decision) => passes(request, reply, decision))
        // Apart from what may throw: `done` runs the rest of the request, and its errors are not this hook's.
        .then((pass) => pass && done(), done);
    }
  };
}

/** Limits every route of the instance it is registered on: `app.register(rateLimit, { limiter })`. */
export const rateLimit: FastifyPluginCallback<RateLimitOptions> = Object.assign(
  (app: FastifyInstance, options: RateLimitOptions, done: (error?: Error) => void) => {
    app.addHook('onRequest', rateLimitHook(options));
    done();
  },
  // Fastify's own mark for a plugin that works on the instance around it, rather than on a scope of its own.
  { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: '@spillway/limit' },
);

function addHeaders(reply: FastifyReply, limiter: Limiter, decision: Decision): void {
  const headers = rateLimitHeaders(limiter.policies, decision);
  addToList(reply, 'RateLimit-Policy', headers['RateLimit-Policy']);
  if (headers.RateLimit !== undefined) addToList(reply, 'RateLimit', headers.RateLimit);
  if (headers['Retry-After'] !== undefined) reply.header('Retry-After', headers['Retry-After']);
}

function addToList(reply: FastifyReply, name: string, value: string): void {
  const others = reply.getHeader(name);
  reply.header(name, others === undefined ? value : `${String(others)}, ${value}`);
}

function sendProblem(_request: FastifyRequest, reply: FastifyReply, decision: Decision): void {
  const problem = rateLimitProblem(decision);
  reply
    .code(problem?.status ?? 429)
    .type('application/problem+json')
    .send(problem);
}
