import type { TokenBucketPolicy } from '../../core/policy.ts';
import { judge } from '../../core/token-bucket.ts';
import type { Numbers, RedisStrategy } from './redis-strategy.ts';
import { tokenBucketLua } from './token-bucket.lua.ts';

const args = ({ capacity, rate }: TokenBucketPolicy) => [
  rate.tokens,
  rate.tokenUs,
  rate.tokenFraction,
  rate.fullUs,
  rate.fullFraction,
  capacity,
];

const verdict = (policy: TokenBucketPolicy, outcome: 'allowed' | 'denied', cost: number, numbers: Numbers) => {
  const us = numbers.take();
  const fraction = policy.rate.tokens === 1 ? 0 : numbers.take();
  return judge(policy, { us, fraction }, cost, outcome);
};

export const redisTokenBucket: RedisStrategy<'token-bucket'> = { letter: 'b', lua: tokenBucketLua, args, verdict };

/** A bucket by another name: a key of one is none of the other's. */
export const redisGcra: RedisStrategy<'gcra'> = {
  letter: 'g',
  lua: tokenBucketLua,
  args: ({ bucket }) => args(bucket),
  verdict: ({ bucket }, outcome, cost, numbers) => verdict(bucket, outcome, cost, numbers),
};
