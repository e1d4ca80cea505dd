import type { Standing, Verdict } from '../core/decision.ts';

/** Words for an outcome that is already known. `retryAfterUs` is only asked for where waiting helps. */
export function verdictOf(
  outcome: 'allowed' | 'denied',
  capacity: number,
  cost: number,
  { remaining, refillAfterUs, resetAfterUs }: Standing,
  retryAfterUs: () => number,
): Verdict {
  if (outcome === 'allowed') return { outcome, remaining, refillAfterUs, resetAfterUs };
  if (cost > capacity) return { outcome, reason: 'cost-exceeds-capacity', remaining, refillAfterUs, resetAfterUs };
  return { outcome, reason: 'exhausted', retryAfterUs: retryAfterUs(), remaining, refillAfterUs, resetAfterUs };
}
