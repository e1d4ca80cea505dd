import { ConfigurationError } from '@spillway/kernel';
import type { Context, Env, MiddlewareHandler } from 'hono';
import type { Decision } from '../core/decision.ts';
import { applyHeaders } from './apply-headers.ts';
import { createGuard, type GuardOptions } from './guard.ts';
import { problemResponse } from './problem-response.ts';

export interface RateLimitOptions<E extends Env = Env> extends GuardOptions<[context: Context<E>]> {
  /**
   * The address of the connection's peer. Default: what `@hono/node-server` knows; elsewhere
   * `(context) => getConnInfo(context).remote.address`, from Hono's module for the runtime.
   */
  readonly peer?: (context: Context<E>) => string | undefined;
  /** Answers a refused request; the headers are added. Default: 429 (503 if the store had to say so) as problem+json. */
  readonly refuse?: (context: Context<E>, decision: Decision) => Response | Promise<Response>;
}

/**
 * Hono middleware: `app.use(rateLimit({ limiter }))`. With several on one route, each adds its headers.
 * @throws {ConfigurationError} when the options can not be met
 */
export function rateLimit<E extends Env = Env>(options: RateLimitOptions<E>): MiddlewareHandler<E> {
  const { refuse = (_context, decision) => problemResponse(decision) } = options;
  const peer: (context: Context<E>) => string | undefined = options.peer ?? nodePeer;
  const guard = createGuard<[Context<E>]>(options, {
    address: (context) => peer(context) ?? '',
    forwardedFor: (context) => context.req.header('x-forwarded-for'),
  });

  return async function limit(context, next) {
    const admission = await guard(context);
    if (admission === undefined) return next();
    const { decision, headers, answered } = admission;
    let status: number | undefined;
    try {
      if (decision.outcome === 'allowed') await next();
      else context.res = await refuse(context, decision);
      status = context.res.status;
    } catch (error) {
      status = 500;
      throw error;
    } finally {
      answered?.(status);
    }
    // Afterwards, since a handler may answer with a Response of its own, made somewhere else.
    applyHeaders(headersOf(context), headers);
    return undefined;
  };
}

const headersOf = (context: Context) => ({
  get: (name: string) => context.res.headers.get(name) ?? undefined,
  set: (name: string, value: string) => context.header(name, value),
});

function nodePeer(context: { readonly env?: unknown }): string | undefined {
  const { incoming } = (context.env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } };
  if (incoming?.socket === undefined) {
    throw new ConfigurationError(
      'The address of the client is not known on this runtime; pass `key`, or `peer`, e.g. `(context) => getConnInfo(context).remote.address`',
    );
  }
  return incoming.socket.remoteAddress;
}
