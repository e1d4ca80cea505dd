import type { Verdict } from '../core/decision.ts';
import { judge } from '../core/token-bucket.ts';
import { costSpan } from '../core/token-bucket-rate.ts';
import type { Policy } from '../strategies/policy.ts';

/**
 * How a policy stands as far as this instance knows: as the store told it, less what was spent here since, with what has refilled.
 * What others took in the meantime is in the next answer of the store.
 */
export function leasedVerdict(policy: Policy, then: Verdict, spent: number, passedUs: number): Verdict {
  if (policy.strategy === 'token-bucket' || policy.strategy === 'gcra') {
    const bucket = policy.strategy === 'gcra' ? policy.bucket : policy;
    const us = then.resetAfterUs + costSpan(bucket.rate, spent).us - passedUs;
    return judge(bucket, { us: Math.max(0, us), fraction: 0 }, 1, 'allowed');
  }
  return {
    outcome: 'allowed',
    remaining: Math.max(0, then.remaining - spent),
    refillAfterUs: Math.max(0, then.refillAfterUs - passedUs),
    resetAfterUs: Math.max(0, then.resetAfterUs - passedUs),
  };
}

/** Whether units of so long ago are worth anything to the store: what has refilled, or left its window, is nobody's to give. */
export function isWorthReturning(policy: Policy, then: Verdict, units: number, passedUs: number): boolean {
  if (policy.strategy === 'token-bucket') return costSpan(policy.rate, units).us > passedUs;
  if (policy.strategy === 'gcra') return costSpan(policy.bucket.rate, units).us > passedUs;
  return passedUs < then.resetAfterUs;
}
