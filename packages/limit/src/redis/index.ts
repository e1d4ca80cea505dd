export { type RedisLimitStoreOptions, redisLimitStore } from './redis-store.ts';
