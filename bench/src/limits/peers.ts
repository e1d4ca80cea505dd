/** The peers' limits on Redis, on the fastest client, as their READMEs set them up. */
import RedisStore from '@fastify/rate-limit/store/RedisStore.js';
import { RedisStore as ExpressRedisStore } from 'rate-limit-redis';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { type Contest, fastClient } from './redis-contestants.ts';

const HOUR_S = 3600;

export const rateLimiterFlexible: Contest = async (url, limit) => {
  const storeClient = fastClient(url);
  const limiter = new RateLimiterRedis({
    storeClient,
    points: limit,
    duration: HOUR_S,
    keyPrefix: `flexible-${limit}`,
  });
  return {
    take: (key) => limiter.consume(key).then(() => true, refusedOrFailed),
    close: async () => storeClient.disconnect(),
  };
};

/** It refuses by rejecting with a result. */
export function refusedOrFailed(reason: unknown): boolean {
  if (reason instanceof RateLimiterRes) return false;
  throw reason;
}

export const rateLimitRedis: Contest = async (url, limit) => {
  const client = fastClient(url);
  const store = new ExpressRedisStore({
    prefix: `express-${limit}:`,
    sendCommand: (command: string, ...args: string[]) => client.call(command, ...args) as Promise<number>,
  });
  await store.init({ windowMs: HOUR_S * 1000 } as Parameters<typeof store.init>[0]);
  return {
    take: async (key) => (await store.increment(key)).totalHits <= limit,
    close: async () => client.disconnect(),
  };
};

export const fastifyRateLimit: Contest = async (url, limit) => {
  const client = fastClient(url);
  const store = new RedisStore(false, false, client, `fastify-${limit}-`);
  return {
    take: (key) =>
      new Promise((resolve, reject) => {
        const done = (error: Error | null, result: { readonly current: number } | null): void =>
          error === null && result !== null ? resolve(result.current <= limit) : reject(error);
        store.incr(key, done, HOUR_S * 1000, limit);
      }),
    close: async () => client.disconnect(),
  };
};
