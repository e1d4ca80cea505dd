import { randomUUID } from 'node:crypto';
import { type CacheStore, createCache } from '@spillway/cache';
import { redisCacheStore } from '@spillway/cache/redis';
import { connectRedis, type RedisLink, type RedisOptions } from '@spillway/redis';

/** Takes back what a test opened, in reverse order. */
export interface Bin {
  keep<Thing extends { close(): Promise<void> }>(thing: Thing): Thing;
  empty(): Promise<void>;
}

export function createBin(): Bin {
  const things: { close(): Promise<void> }[] = [];
  return {
    keep(thing) {
      things.push(thing);
      return thing;
    },
    async empty() {
      for (let thing = things.pop(); thing !== undefined; thing = things.pop()) await thing.close();
    },
  };
}

/** A generous deadline: what these tests are about is not speed, and the machine may be busy. */
export async function connect(bin: Bin, options: RedisOptions): Promise<RedisLink> {
  const link = bin.keep(connectRedis({ deadline: '5s', ...options }));
  await link.ready({ timeout: '20s' });
  return link;
}

/** Keys that no other test uses, on a Redis that is shared. */
export const freshName = (): string => `test-${randomUUID()}`;

export const stringCache = (store: CacheStore, name: string, more: object = {}) =>
  createCache<string>({ name, ttl: '1m', l2: store, random: () => 0, ...more });

export { redisCacheStore };
