import type { Verdict } from '../../core/decision.ts';
import { verdictOf } from '../../strategies/verdict.ts';
import type { Numbers } from './redis-strategy.ts';

/** What `put_holdings` of limit.lua.ts counted, which mirrors strategies/holdings.ts: a log is too long to be sent. */
export function holdingsVerdict(
  { limit }: { readonly limit: number },
  outcome: 'allowed' | 'denied',
  cost: number,
  numbers: Numbers,
): Verdict {
  const out = numbers.take();
  const refillAfterUs = numbers.take();
  const resetAfterUs = numbers.take();
  const retryAfterUs = numbers.take();
  // Below zero after the limit was lowered under what is out.
  const standing = { remaining: Math.max(0, limit - out), refillAfterUs, resetAfterUs };
  return verdictOf(outcome, limit, cost, standing, () => retryAfterUs);
}
