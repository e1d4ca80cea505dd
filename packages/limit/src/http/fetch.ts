import { ConfigurationError } from '@spillway/kernel';
import type { Decision } from '../core/decision.ts';
import { applyHeaders } from './apply-headers.ts';
import { createGuard, type GuardOptions } from './guard.ts';
import type { RateLimitHeaders } from './headers.ts';
import { problemResponse } from './problem-response.ts';

/** What runtimes call with a request, and whatever else they hand over. */
export type FetchHandler<Rest extends readonly unknown[]> = (
  request: Request,
  ...rest: Rest
) => Response | Promise<Response>;

export interface RateLimitOptions<Rest extends readonly unknown[]> extends GuardOptions<[request: Request, ...Rest]> {
  /**
   * The address of the connection's peer, which a `Request` does not tell: in Deno `(_request, info) => info.remoteAddr.hostname`,
   * in Bun `(request, server) => server.requestIP(request)?.address`. Needed unless there is a `key`.
   */
  readonly peer?: (request: Request, ...rest: Rest) => string | undefined;
  /** Answers a refused request; the headers are added. Default: 429 (503 if the store had to say so) as problem+json. */
  readonly refuse?: (request: Request, decision: Decision) => Response | Promise<Response>;
}

/**
 * A handler that limits another one. What the handler or an option throws is rejected, for the runtime to answer.
 * @throws {ConfigurationError} when the options can not be met
 */
export function rateLimit<Rest extends readonly unknown[] = []>(
  handler: FetchHandler<Rest>,
  options: RateLimitOptions<Rest>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  const { peer, refuse = (_request, decision) => problemResponse(decision) } = options;
  if (peer === undefined && options.key === undefined) {
    throw new ConfigurationError('A Request does not tell its client: pass `key`, or `peer` for the address');
  }
  const guard = createGuard<[Request, ...Rest]>(options, {
    address: (...args) => peer?.(...args) ?? '',
    forwardedFor: (...[request]) => request.headers.get('x-forwarded-for') ?? undefined,
  });

  return async function limit(request, ...rest) {
    const admission = await guard(request, ...rest);
    if (admission === undefined) return handler(request, ...rest);
    const { decision, headers, answered } = admission;
    let status = 500;
    try {
      const response =
        decision.outcome === 'allowed' ? await handler(request, ...rest) : await refuse(request, decision);
      status = response.status;
      return withHeaders(response, headers);
    } finally {
      answered?.(status);
    }
  };
}

function withHeaders(response: Response, headers: RateLimitHeaders): Response {
  // A switch of protocols is no answer that fields could be added to.
  if (response.status < 200) return response;
  // One without a body may be handed out again and again: it must not gather the fields of all its clients.
  if (response.body === null) return added(copyOf(response), headers);
  try {
    return added(response, headers);
  } catch (error) {
    // What `fetch` gave can not be changed.
    if (!(error instanceof TypeError)) throw error;
    return added(copyOf(response), headers);
  }
}

const copyOf = (response: Response): Response => new Response(response.body, response);

function added(response: Response, headers: RateLimitHeaders): Response {
  const { headers: fields } = response;
  applyHeaders(
    { get: (name) => fields.get(name) ?? undefined, set: (name, value) => fields.set(name, value) },
    headers,
  );
  return response;
}
