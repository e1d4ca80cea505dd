import { createLimiter, type Policy, tokenBucket } from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { connectRedis } from '@spillway/redis';
import { Redis } from 'ioredis';
import type { Take } from './in-flight.ts';

/** Limits on one Redis: `take` admits up to `limit` for each key within an hour. */
export interface Contestant {
  readonly take: Take;
  close(): Promise<void>;
}

export type Contest = (url: string, limit: number) => Promise<Contestant>;

const HOUR_MS = 3_600_000;

const exactPolicy = (limit: number): Policy =>
  tokenBucket({ name: 'api', capacity: limit, refill: { tokens: limit, every: '1h' } });

export const spillway: Contest = async (url, limit) => {
  const policy = exactPolicy(limit);
  const link = connectRedis({ url, deadline: '10s' });
  await link.ready();
  const store = redisLimitStore({ link, prefix: `bench-${limit}` });
  const limiter = createLimiter({ policy }, { store, presence: { instances: 1 } });
  return {
    take: async (key) => (await limiter.take(key)).outcome === 'allowed',
    close: () => link.close(),
  };
};

const COUNT = `
  local count = redis.call('INCR', KEYS[1])
  if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
  return count`;

/** The least that a limit over several instances can be: one counter, one script, auto-pipelined as ours is. */
export const rawScript: Contest = async (url, limit) => {
  const client = fastClient(url);
  const sha = (await client.script('LOAD', COUNT)) as string;
  const prefix = `count-${limit}:limit:v2:{`;
  return {
    take: async (key) => Number(await client.evalsha(sha, 1, `${prefix}${key}}:b:api`, HOUR_MS)) <= limit,
    close: async () => client.disconnect(),
  };
};

/** As fast as ioredis goes: commands of one turn of the event loop travel together. */
export const fastClient = (url: string): Redis => new Redis(url, { enableAutoPipelining: true });
