export { type RedisLimitStoreOptions, redisLimitStore } from './redis-store.ts';
export {
  defineRedisStrategy,
  type OwnRedisStrategy,
  type RedisDefinition,
} from './strategies/define-redis-strategy.ts';
export type { Numbers } from './strategies/redis-strategy.ts';
