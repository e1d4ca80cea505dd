export type { ResponseCacheOptions } from './options.ts';
export { createResponseCache, type PurgeTarget, type ResponseCache } from './response-cache.ts';
export type { CacheResponsesOptions } from './route.ts';
