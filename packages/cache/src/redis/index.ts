export { type RedisCacheStoreOptions, redisCacheStore } from './redis-cache-store.ts';
