import { ConfigurationError } from '@spillway/kernel';
import type { BuiltInName, Policy, StrategyName } from '../../strategies/policy.ts';
import { redisConcurrency } from './concurrency.ts';
import type { OwnRedisStrategy } from './define-redis-strategy.ts';
import type { AnyRedisStrategy, RedisStrategy } from './redis-strategy.ts';
import { redisSlidingLog } from './sliding-log.ts';
import { redisSlidingWindow } from './sliding-window.ts';
import { redisGcra, redisTokenBucket } from './token-bucket.ts';
import { redisFixedWindow, redisQuota } from './window.ts';

/** Letters of keys that are no strategy's: "i", remembered ids. */
const all: { readonly [Name in BuiltInName]: RedisStrategy<Name> } = {
  'token-bucket': redisTokenBucket,
  gcra: redisGcra,
  'fixed-window': redisFixedWindow,
  'sliding-window': redisSlidingWindow,
  'sliding-log': redisSlidingLog,
  quota: redisQuota,
  concurrency: redisConcurrency,
};

/** What a store counts by. */
export interface RedisStrategies {
  readonly names: ReadonlySet<StrategyName>;
  readonly all: readonly AnyRedisStrategy[];
  /** @throws {ConfigurationError} for a policy whose strategy it does not have */
  of(policy: Policy): AnyRedisStrategy;
}

export function redisStrategies(own: readonly OwnRedisStrategy[]): RedisStrategies {
  const byName = new Map<string, AnyRedisStrategy>(Object.entries(all) as unknown as [string, AnyRedisStrategy][]);
  for (const each of own) byName.set(each.strategy, each);
  return {
    names: new Set(byName.keys() as Iterable<StrategyName>),
    all: [...byName.values()],
    of({ strategy, name }) {
      const found = byName.get(strategy);
      if (found !== undefined) return found;
      throw new ConfigurationError(
        `The Redis limit store does not have strategy "${strategy}" of policy "${name}"; pass it: redisLimitStore({ link, strategies: [...] })`,
      );
    },
  };
}
