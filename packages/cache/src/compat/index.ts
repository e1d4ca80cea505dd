export { type CacheManagerStyle, cacheManagerStyle } from './cache-manager-style.ts';
export { type KeyvStore, keyvStore } from './keyv-store.ts';
