import type { Policy } from '../strategies/policy.ts';
import { MAX_SPAN_US, tokenBucketRate } from './token-bucket-rate.ts';

/**
 * One instance's part of a policy: capacity and rate divided by the live instances, the capacity at least 1 (G3). The shares of
 * all instances never add up to more than the policy while it has a token for each.
 *
 * The time from empty to full stays the same, so a state keeps its meaning when the number of instances changes: a bucket that
 * was half empty is half empty in the new share.
 */
export function sharePolicy(policy: Policy, instances: number): Policy {
  const parts = Math.max(1, Math.floor(instances) || 1);
  if (parts === 1) return policy;
  const capacity = Math.max(1, Math.floor(policy.capacity / parts));
  // Only a policy of years over hundreds of instances meets the end of what can be counted; there the rate stops shrinking.
  const slower = Math.min(parts, Math.floor(MAX_SPAN_US / 2 / policy.rate.everyUs));
  const rate = tokenBucketRate(capacity, policy.rate.tokens, policy.rate.everyUs * slower);
  if (rate === undefined)
    throw new Error(`The share of policy "${policy.name}" over ${parts} instances does not count`);
  return Object.freeze({ ...policy, capacity, rate });
}
