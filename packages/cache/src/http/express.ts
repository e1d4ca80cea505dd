import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { detached, dropConditions, fieldsOf, requestOf, sendNode, watch } from './node-response.ts';
import { type CacheResponsesOptions, createRoute } from './route.ts';

/**
 * Express middleware: `app.get('/articles', authenticate, cacheResponses({ cache, ttl: '1m' }), handler)`. After whatever decides who
 * may see the answer, since a stored one is sent without asking what comes behind.
 * @throws {ConfigurationError} when the options can not be met
 */
export function cacheResponses(options: CacheResponsesOptions<[request: Request]>): RequestHandler {
  const { cache, routeOf } = createRoute<[Request]>(options);

  /** Whether the route answers. */
  async function prepare(request: Request, response: Response): Promise<boolean> {
    const before = fieldsOf(response.getHeaders());
    const asked = requestOf(request, request.originalUrl, request.protocol);
    const plan = await cache.plan(detached(asked), await routeOf(request), before);
    switch (plan.do) {
      case 'send':
        sendNode(response, plan.answer);
        return false;
      case 'lead':
        dropConditions(request);
        watch(response, plan.lead);
        return true;
      case 'pass':
        response.setHeader('Cache-Status', plan.cacheStatus);
        if (plan.watcher !== undefined) watch(response, plan.watcher);
        return true;
      default:
        return plan satisfies never;
    }
  }

  return function cacheRoute(request: Request, response: Response, next: NextFunction): void {
    // `next` runs the rest of the request, and its errors are not this function's: hence two arguments, and not a `catch`.
    prepare(request, response).then((runs) => runs && next(), next);
  };
}
