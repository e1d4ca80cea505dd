export { type CachedFunction, type CachedMethodOptions, type CachedOptions, cached } from './cached.ts';
export { invalidateCall } from './calls.ts';
