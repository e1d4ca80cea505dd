import { toMs } from '@spillway/kernel';
import type { TokenBucketPolicy } from '@spillway/limit';

/**
 * The textbook bucket, by its level, in rational numbers of any size: an oracle that shares nothing with the implementation,
 * which keeps one moment in doubles.
 */
export function levelBucket(policy: TokenBucketPolicy) {
  const everyUs = BigInt(toMs(policy.refill.every)) * 1000n;
  const perUs = BigInt(policy.refill.tokens);
  // In parts of a token: one part is 1 / everyUs tokens, so that a microsecond brings a whole number of them.
  const full = BigInt(policy.capacity) * everyUs;
  let level = full;
  let atUs: number | undefined;
  return {
    take(nowUs: number, cost: number): { allowed: boolean; remaining: number } {
      if (atUs !== undefined) level += BigInt(nowUs - atUs) * perUs;
      if (level > full) level = full;
      atUs = nowUs;
      const allowed = level >= BigInt(cost) * everyUs;
      if (allowed) level -= BigInt(cost) * everyUs;
      return { allowed, remaining: Number(level / everyUs) };
    },
  };
}
