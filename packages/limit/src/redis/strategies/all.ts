import type { Policy, StrategyName } from '../../strategies/policy.ts';
import { redisConcurrency } from './concurrency.ts';
import type { AnyRedisStrategy, RedisStrategy } from './redis-strategy.ts';
import { redisSlidingLog } from './sliding-log.ts';
import { redisSlidingWindow } from './sliding-window.ts';
import { redisGcra, redisTokenBucket } from './token-bucket.ts';
import { redisFixedWindow, redisQuota } from './window.ts';

/** Letters of keys that are no strategy's: "i", remembered ids. */
const all: { readonly [Name in StrategyName]: RedisStrategy<Name> } = {
  'token-bucket': redisTokenBucket,
  gcra: redisGcra,
  'fixed-window': redisFixedWindow,
  'sliding-window': redisSlidingWindow,
  'sliding-log': redisSlidingLog,
  quota: redisQuota,
  concurrency: redisConcurrency,
};

export const REDIS_STRATEGIES = Object.keys(all) as readonly StrategyName[];

export const redisStrategyOf = ({ strategy }: Policy): AnyRedisStrategy => all[strategy] as unknown as AnyRedisStrategy;

export const redisStrategies: readonly AnyRedisStrategy[] = Object.values(all) as unknown as AnyRedisStrategy[];
