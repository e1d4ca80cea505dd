import type { Clock } from '@spillway/kernel';
import { createKeys, type RedisLink } from '@spillway/redis';
import type { Policy } from '../strategies/policy.ts';
import type { LimitStore } from '../store.ts';
import { type TokenBucketInput, tokenBucketScript, toVerdicts } from './token-bucket-script.ts';

export interface RedisLimitStoreOptions {
  /** Borrowed: whoever made it closes it. */
  readonly link: Pick<RedisLink, 'command' | 'run'>;
  /** First part of every key: the deployment's own. Default `spillway`. */
  readonly prefix?: string;
  /** For tests only: takes the place of the server's TIME, which otherwise rules all instances alike. */
  readonly clock?: Clock;
}

/**
 * Limits shared by all instances, in Redis: one script per take, one small key per policy and subject, the server's clock.
 * The instance must not run under an evicting `maxmemory-policy`: an evicted bucket is a full one.
 * @throws {ConfigurationError} when `prefix` holds a character that keys can not
 */
export function redisLimitStore({ link, prefix = 'spillway', clock }: RedisLimitStoreOptions): LimitStore {
  // All policies of a subject share a slot by its hash tag. "v1" is the format of the value.
  const keyOf = createKeys({ prefix, package: 'limit', version: 1 });
  const keysOf = (subject: string, policies: readonly Policy[]): readonly string[] =>
    policies.map(({ name }) => keyOf(subject, name));

  async function run(operation: 'take' | 'peek', subject: string, policies: readonly Policy[], cost: number) {
    const keys = keysOf(subject, policies);
    const input: TokenBucketInput = { operation, keys, policies, cost, nowUs: clock?.nowUs() };
    return toVerdicts(input, await link.run(tokenBucketScript, input));
  }

  return {
    scope: 'shared',
    take: (key, policies, cost) => run('take', key, policies, cost),
    peek: (key, policies, cost) => run('peek', key, policies, cost),
    async reset(key, policies) {
      await link.command('UNLINK', keysOf(key, policies));
    },
  };
}
