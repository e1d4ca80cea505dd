import { randomUUID } from 'node:crypto';
import { isSpillwayError } from '@spillway/kernel';
import type { Invalidated } from '../cache.ts';
import { createCache } from '../create-cache.ts';
import { Director } from './director.ts';
import type { Fields } from './fields.ts';
import { RouteFailed } from './lead.ts';
import { parseResponseCacheOptions, type ResponseCacheOptions } from './options.ts';
import type { Plan, Route } from './plan.ts';
import { type CacheRequest, digest, keyUnit, pathUnit } from './request-key.ts';
import type { StoredResponse } from './stored-response.ts';

/**
 * What to let go of: all that was stored under a path, whatever its host, query, user and variant; under a route's own `key`; or
 * under any of these of its `tags`, whatever its path.
 */
export type PurgeTarget = { readonly path: string } | { readonly key: string } | { readonly tags: readonly string[] };

/** Responses kept for all instances that share its name. One serves any number of routes, and is handed to the adapters. */
export interface ResponseCache {
  readonly name: string;
  /**
   * Call it after the truth has changed, before you answer. As `Cache.invalidate`: never rejects for an absent store, and a response
   * whose route ran meanwhile is not kept either. A path is decoded and compared without regard to case.
   */
  purge(target: PurgeTarget): Promise<Invalidated>;
  /** Waits for the fills under way; afterwards every request is handed to its route. The store and the bus stay open. */
  close(): Promise<void>;
}

/** What adapters use beyond. */
export interface PlanningCache extends ResponseCache {
  plan(request: CacheRequest, route: Route, before: Fields): Promise<Plan>;
}

/**
 * A shared cache as in RFC 9111, private by default: see the guide "Caching responses" for what is stored when.
 * @throws {ConfigurationError} with everything that is wrong in `options`
 */
export function createResponseCache(options: ResponseCacheOptions): ResponseCache {
  const parsed = parseResponseCacheOptions(options);
  const { name, l1, l2, bus, clock, random, keep, keepMs, maxStale, waitFor } = parsed;
  const common = {
    ...(l2 === undefined ? {} : { l2 }),
    ...(bus === undefined ? {} : { bus }),
    ...(clock === undefined ? {} : { clock }),
    ...(random === undefined ? {} : { random }),
    // A route that runs is a load, and has bounds of its own. Nothing stale is to be had before it has failed: see `Director`.
    loads: { concurrent: 10_000, queued: 0, softTimeout: waitFor, hardTimeout: waitFor },
  };
  const responses = createCache<StoredResponse>({
    ...common,
    name: `http responses ${name}`,
    ttl: keep,
    staleIfError: maxStale,
    l1,
    staleOnError: (error) => error instanceof RouteFailed || (isSpillwayError(error) && error.retryable),
  });
  // Under a new generation nothing is found that was stored before: so one delete lets go of any number of responses, and of those
  // whose routes are running.
  const generations = createCache<string>({
    ...common,
    name: `http generations ${name}`,
    ttl: keep,
    staleIfError: '0s',
    l1: { maxEntries: l1.maxEntries, ...(l1.ttl === undefined ? {} : { ttl: l1.ttl }) },
  });
  const generationOf = (unit: string): Promise<string | undefined> =>
    generations.get(digest(unit), async () => randomUUID());
  const purgeUnit = (unit: string): Promise<Invalidated> => generations.invalidate({ key: digest(unit) });
  const director = new Director({ ...parsed, keepMs, responses, generationOf, purgeUnit });
  const cache: PlanningCache = {
    name,
    plan: (request, route, before) => director.plan(request, route, before),
    purge(target) {
      if ('tags' in target) return responses.invalidate(target);
      return purgeUnit('path' in target ? pathUnit(target.path) : keyUnit(target.key));
    },
    async close() {
      await Promise.all([responses.close(), generations.close()]);
    },
  };
  return cache;
}
