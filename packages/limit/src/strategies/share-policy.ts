import type { TokenBucketPolicy } from '../core/policy.ts';
import { MAX_SPAN_US, tokenBucketRate } from '../core/token-bucket-rate.ts';
import { makingOf } from './own/made-policies.ts';
import type { Policy } from './policy.ts';

/**
 * One instance's part of a policy: what it admits divided by the live instances, at least 1 (G3). The shares of all instances never
 * add up to more than the policy while it has a unit for each.
 *
 * A state keeps its meaning when the number of instances changes. Spans of time stay as they are: a bucket that was half empty is
 * half empty in the new share, and what was counted in a window, or holds a slot, still does.
 */
export function sharePolicy(policy: Policy, instances: number): Policy {
  const parts = Math.max(1, Math.floor(instances) || 1);
  if (parts === 1) return policy;
  switch (policy.strategy) {
    case 'token-bucket':
      return shareOfBucket(policy, parts);
    case 'gcra': {
      const bucket = shareOfBucket(policy.bucket, parts);
      return Object.freeze({ ...policy, burst: bucket.capacity - 1, capacity: bucket.capacity, bucket });
    }
    case 'fixed-window':
    case 'sliding-window':
    case 'sliding-log':
    case 'quota':
    case 'concurrency': {
      const limit = partOf(policy.limit, parts);
      return Object.freeze({ ...policy, limit, capacity: limit });
    }
    default:
      return makingOf(policy).share(policy, parts);
  }
}

const partOf = (limit: number, parts: number): number => Math.max(1, Math.floor(limit / parts));

function shareOfBucket(policy: TokenBucketPolicy, parts: number): TokenBucketPolicy {
  const capacity = partOf(policy.capacity, parts);
  // Only a policy of years over hundreds of instances meets the end of what can be counted; there the rate stops shrinking.
  const slower = Math.min(parts, Math.floor(MAX_SPAN_US / 2 / policy.rate.everyUs));
  const rate = tokenBucketRate(capacity, policy.rate.tokens, policy.rate.everyUs * slower);
  if (rate === undefined)
    throw new Error(`The share of policy "${policy.name}" over ${parts} instances does not count`);
  return Object.freeze({ ...policy, capacity, rate });
}
