export { type RedisBloomStoreOptions, redisBloomStore } from './redis-bloom-store.ts';
