import type { Cache } from './cache.ts';
import { type CacheOptions, parseOptions } from './options.ts';
import { TieredCache } from './tiered-cache.ts';

/**
 * A cache with L1 in this process, and L2 and a bus where they are given.
 * @throws {ConfigurationError} with everything that is wrong in `options`
 */
export function createCache<Value>(options: CacheOptions<Value>): Cache<Value> {
  return new TieredCache(parseOptions(options));
}
