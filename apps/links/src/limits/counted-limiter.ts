import type { Limiter } from '@spillway/limit';
import { createDecisionCounts, type DecisionCounts } from './decision-counts.ts';

/** A limiter with one policy that counts its decisions, under the policy's name; also those made from what it had said before. */
export interface CountedLimiter extends Limiter, DecisionCounts {}

export function countedLimiter(name: string, limiter: Limiter): CountedLimiter {
  const counted = createDecisionCounts(name);
  const { count } = counted;
  return {
    ...limiter,
    ...counted,
    async take(key, options) {
      const decision = await limiter.take(key, options);
      count(decision);
      return decision;
    },
    takeNow(key, options) {
      const decision = limiter.takeNow(key, options);
      count(decision);
      return decision;
    },
    async wait(key, options) {
      const decision = await limiter.wait(key, options);
      count(decision);
      return decision;
    },
  };
}
