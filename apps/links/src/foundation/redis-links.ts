import { connectRedis, type RedisLink, type RedisOptions } from '@spillway/redis';
import type { Config, RedisConfig } from '../config.ts';

export interface RedisLinks {
  /** Limits, ids, events, bus, presence. */
  readonly main: RedisLink;
  /** The cache; the same link unless `REDIS_CACHE_URL` names another. */
  readonly cache: RedisLink;
  close(): Promise<void>;
}

/** Returns at once; the links connect in the background, and may never. */
export function openRedisLinks(config: Pick<Config, 'redis' | 'redisCache'>): RedisLinks | undefined {
  if (config.redis === undefined) return undefined;
  const main = connectRedis(toOptions(config.redis, 'redis'));
  const cache = config.redisCache === undefined ? main : connectRedis(toOptions(config.redisCache, 'redis-cache'));
  return {
    main,
    cache,
    async close() {
      await main.close();
      if (cache !== main) await cache.close();
    },
  };
}

function toOptions(config: RedisConfig, name: string): RedisOptions {
  const common = {
    name,
    deadline: `${config.timeoutMs}ms` as const,
    ...(config.username === undefined ? {} : { username: config.username }),
    ...(config.password === undefined ? {} : { password: config.password }),
  };
  switch (config.kind) {
    case 'plain':
      return { url: config.url, ...common };
    case 'sentinel':
      return { sentinels: config.sentinels, master: config.master, ...common };
    case 'cluster':
      return { cluster: config.nodes, ...common };
    default:
      return config satisfies never;
  }
}
