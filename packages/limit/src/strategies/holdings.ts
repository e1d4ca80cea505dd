/**
 * Units that are out until a moment each: what sliding windows, logs and slots have in common. They differ in when a unit comes
 * back. A step is O(number of holdings), which each strategy bounds.
 */
import type { Standing, Verdict } from '../core/decision.ts';
import { verdictOf } from './verdict.ts';

/** Seen through two functions, so that a state needs no second array. Those with the earliest `untilUs` come first. */
export interface Holdings {
  readonly length: number;
  /** Out while `t < untilUs`. */
  untilUs(at: number): number;
  units(at: number): number;
}

export function unitsOut(holdings: Holdings): number {
  let sum = 0;
  for (let at = 0; at < holdings.length; at += 1) sum += holdings.units(at);
  return sum;
}

/** `holdings` are those that are out now; after a take, with it. */
export function judgeHoldings(
  limit: number,
  holdings: Holdings,
  nowUs: number,
  cost: number,
  outcome: 'allowed' | 'denied',
): Verdict {
  const out = unitsOut(holdings);
  return verdictOf(outcome, limit, cost, standing(limit, holdings, out, nowUs), () =>
    waitFor(limit, holdings, out, nowUs, cost),
  );
}

function standing(limit: number, holdings: Holdings, out: number, nowUs: number): Standing {
  if (out === 0) return { remaining: limit, refillAfterUs: 0, resetAfterUs: 0 };
  // Below zero after the limit was lowered under what is out.
  const remaining = Math.max(0, limit - out);
  return {
    remaining,
    refillAfterUs: waitFor(limit, holdings, out, nowUs, remaining + 1),
    resetAfterUs: holdings.untilUs(holdings.length - 1) - nowUs,
  };
}

/** Until so many have come back that `cost`, which is within the limit, fits. */
function waitFor(limit: number, holdings: Holdings, out: number, nowUs: number, cost: number): number {
  let left = out;
  for (let at = 0; at < holdings.length; at += 1) {
    left -= holdings.units(at);
    if (left <= limit - cost) return holdings.untilUs(at) - nowUs;
  }
  return 0;
}
