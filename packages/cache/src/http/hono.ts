import type { Context, Env, MiddlewareHandler } from 'hono';
import { type CacheResponsesOptions, createRoute } from './route.ts';
import { fieldsOf, follow, requestOf, withoutConditions } from './web-response.ts';

/**
 * Hono middleware: `app.get('/articles', authenticate, cacheResponses({ cache, ttl: '1m' }), handler)`. After whatever decides who may
 * see the answer, since a stored one is sent without asking what comes behind.
 * @throws {ConfigurationError} when the options can not be met
 */
export function cacheResponses<E extends Env = Env>(
  options: CacheResponsesOptions<[context: Context<E>]>,
): MiddlewareHandler<E> {
  const { cache, routeOf } = createRoute<[Context<E>]>(options);

  return async function cacheRoute(context, next) {
    const before = fieldsOf(context.res.headers);
    const plan = await cache.plan(requestOf(context.req.raw), await routeOf(context), before);
    if (plan.do === 'lead') context.req.raw = withoutConditions(context.req.raw);
    const run = async () => {
      await next();
      return context.res;
    };
    const response = await follow(plan, run, before);
    // What is set in place of a response takes its fields over: there must be none.
    context.res = undefined;
    context.res = response;
    return undefined;
  };
}
