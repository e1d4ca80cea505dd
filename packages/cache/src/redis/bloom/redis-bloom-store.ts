import { createKeys, type RedisLink } from '@spillway/redis';
import type { BloomStore } from '../../bloom/bloom-store.ts';
import { addScript, beginScript, checkScript, completeScript, fillScript } from './bloom-scripts.ts';

export interface RedisBloomStoreOptions {
  /** Borrowed: whoever made it closes it. Its Redis may evict: what was evicted is built again. */
  readonly link: Pick<RedisLink, 'run'>;
  /** First part of every key: the deployment's own. Default `spillway`. */
  readonly prefix?: string;
}

/**
 * Filters in Redis bitmaps, shared by every instance: one script for each batch of at most 128 keys. A Redis that was flushed, started again,
 * taken over, or has evicted a bitmap answers `maybe` until it is rebuilt.
 * @throws {ConfigurationError} when `prefix` holds a character that keys can not
 */
export function redisBloomStore({ link, prefix = 'spillway' }: RedisBloomStoreOptions): BloomStore {
  const keyOf = createKeys({ prefix, package: 'bloom', version: 1 });
  return {
    open(name, shape) {
      const filter = { keys: [keyOf(name, 'state'), keyOf(name, 'a'), keyOf(name, 'b')], shape };
      return {
        check: (batch) => link.run(checkScript, { ...filter, batch }),
        add: (batch) => link.run(addScript, { ...filter, batch }),
        begin: async (token, leaseMs) =>
          (await link.run(beginScript, { ...filter, token, leaseMs })) ? 'begun' : 'busy',
        fill: async (token, leaseMs, batch) =>
          (await link.run(fillScript, { ...filter, token, leaseMs, batch })) ? 'filled' : 'lost',
        complete: async (token) => ((await link.run(completeScript, { ...filter, token })) ? 'completed' : 'lost'),
      };
    },
  };
}
