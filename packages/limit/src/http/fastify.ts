import type {
  FastifyInstance,
  FastifyPluginCallback,
  FastifyReply,
  FastifyRequest,
  HookHandlerDoneFunction,
} from 'fastify';
import type { Decision } from '../core/decision.ts';
import { andThen } from '../limited/awaitable.ts';
import { applyHeaders } from './apply-headers.ts';
import { type Admission, createGuard, type GuardOptions } from './guard.ts';
import { rateLimitProblem } from './problem.ts';
import { whenAnswered } from './when-answered.ts';

/** Without `trustedProxies`, Fastify's own setting `trustProxy` decides whose `X-Forwarded-For` is believed. */
export interface RateLimitOptions extends GuardOptions<[request: FastifyRequest]> {
  /** Answers a refused request, whose headers are set. Default: 429 (503 if the store had to say so) as problem+json. */
  readonly refuse?: (request: FastifyRequest, reply: FastifyReply, decision: Decision) => unknown;
}

/**
 * A hook for `onRequest`, or for `preHandler` where the key needs the body or the user. Sets the rate limit headers on every
 * answer; with several limiters on one route, each adds its own.
 * @throws {ConfigurationError} when the options can not be met
 */
export function rateLimitHook(options: RateLimitOptions) {
  const { refuse = sendProblem } = options;
  const guard = createGuard<[FastifyRequest]>(options, {
    address: (request) => request.socket.remoteAddress ?? '',
    forwardedFor: (request) => request.headers['x-forwarded-for']?.toString(),
    believed: (request) => request.ip,
  });

  /** Whether the request goes on. */
  function answer(request: FastifyRequest, reply: FastifyReply, admission: Admission | undefined) {
    if (admission === undefined) return true;
    applyHeaders(headersOf(reply), admission.headers);
    if (admission.answered !== undefined) whenAnswered(reply.raw, admission.answered);
    if (admission.decision.outcome === 'allowed') return true;
    const answered = refuse(request, reply, admission.decision);
    // A reply can be awaited, too, and what becomes of it is Fastify's.
    return answered === reply ? false : andThen(answered, () => false);
  }

  return function limit(request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction): void {
    const passes = andThen(guard(request), (admission) => answer(request, reply, admission));
    // `done` runs the rest of the request, and its errors are not this hook's: hence two arguments, and not a `catch`.
    if (passes instanceof Promise) passes.then((pass) => pass && done(), done);
    else if (passes) done();
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

const headersOf = (reply: FastifyReply) => ({
  get: (name: string) => reply.getHeader(name)?.toString(),
  set: (name: string, value: string) => {
    reply.header(name, value);
  },
});

function sendProblem(_request: FastifyRequest, reply: FastifyReply, decision: Decision): void {
  const problem = rateLimitProblem(decision);
  reply
    .code(problem?.status ?? 429)
    .type('application/problem+json')
    .send(problem);
}
