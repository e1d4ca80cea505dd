import { type CacheResponsesOptions, createRoute } from './route.ts';
import { follow, requestOf, withoutConditions } from './web-response.ts';

/** What runtimes call with a request, and whatever else they hand over. */
export type FetchHandler<Rest extends readonly unknown[]> = (
  request: Request,
  ...rest: Rest
) => Response | Promise<Response>;

/**
 * A handler that answers from the cache, or with another one. That one decides nothing about who may see the answer any more: do so
 * before. What it or an option throws is rejected, for the runtime to answer.
 * @throws {ConfigurationError} when the options can not be met
 */
export function cacheResponses<Rest extends readonly unknown[] = []>(
  handler: FetchHandler<Rest>,
  options: CacheResponsesOptions<[request: Request, ...Rest]>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  const { cache, routeOf } = createRoute<[Request, ...Rest]>(options);

  return async function cacheRoute(request, ...rest) {
    const plan = await cache.plan(requestOf(request), await routeOf(request, ...rest), []);
    const asked = plan.do === 'lead' ? withoutConditions(request) : request;
    return await follow(plan, async () => handler(asked, ...rest));
  };
}
