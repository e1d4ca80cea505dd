import { ConfigurationError, type Duration, type Issue } from '@spillway/kernel';
import { parseEntryTags } from '../core/parse-tags.ts';
import { parseMs } from './options.ts';
import { BY_TARGET, type Route } from './plan.ts';
import type { PlanningCache, ResponseCache } from './response-cache.ts';

type Awaitable<Value> = Value | Promise<Value>;

/** What every adapter can be told. `Args` is what the framework hands to a handler. What these functions throw is the framework's to answer. */
export interface CacheResponsesOptions<Args extends readonly unknown[]> {
  readonly cache: ResponseCache;
  /** How long a response is fresh that says nothing about it. Default: such a response is not stored. */
  readonly ttl?: Duration;
  /** For responses that do not say: how long a stale one is served while another request fetches it anew. Default `"0s"`. */
  readonly staleWhileRevalidate?: Duration;
  /** For responses that do not say: how long a stale one stands in for a route that fails. Default `"0s"`. */
  readonly staleIfError?: Duration;
  /**
   * Who asks, as your authentication found it: each user has responses of their own. Undefined for nobody. Without it, what is asked
   * with a cookie or an `Authorization` is stored only if the response is `public`.
   */
  readonly user?: (...args: Args) => Awaitable<string | undefined>;
  /** In place of scheme, host, path and query. Undefined: the request is left alone. */
  readonly key?: (...args: Args) => Awaitable<string | undefined>;
  /**
   * What `purge({ tags })` lets go of the response by: up to 16, each up to 256 characters, told from the request, since they are read
   * before the route runs.
   */
  readonly tags?: (...args: Args) => Awaitable<readonly string[] | undefined>;
}

/** @throws {ConfigurationError} when the options can not be met */
export function createRoute<Args extends readonly unknown[]>(
  options: CacheResponsesOptions<Args>,
): { readonly cache: PlanningCache; readonly routeOf: (...args: Args) => Promise<Route> } {
  const { cache, ttl, staleWhileRevalidate = '0s', staleIfError = '0s', user, key, tags } = options;
  const issues: Issue[] = [];
  const ttlMs = ttl === undefined ? undefined : parseMs(issues, 'ttl', ttl);
  const staleWhileRevalidateMs = parseMs(issues, 'staleWhileRevalidate', staleWhileRevalidate);
  const staleIfErrorMs = parseMs(issues, 'staleIfError', staleIfError);
  if (typeof cache !== 'object' || cache === null || !('plan' in cache)) {
    issues.push({ path: 'cache', message: 'must be what createResponseCache() gave' });
  }
  if (issues.length > 0) throw new ConfigurationError('The cached route has wrong options', issues);
  return {
    cache: cache as PlanningCache,
    routeOf: async (...args) => ({
      user: text('user', await user?.(...args)),
      key: key === undefined ? BY_TARGET : text('key', await key(...args)),
      tags: parseEntryTags(await tags?.(...args)),
      ttlMs,
      staleWhileRevalidateMs,
      staleIfErrorMs,
    }),
  };
}

// An id that is a number to one route and a text to the next would be two users; and an object would be everybody.
function text(name: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new TypeError(`${name}() must give a string or undefined, got ${typeof value}; write e.g. String(id)`);
}
