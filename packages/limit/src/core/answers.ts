import type { Verdict } from './decision.ts';

/** What each policy of a blocked key answers. */
export const blocked = (leftUs: number): Verdict => ({
  outcome: 'denied',
  reason: 'blocked',
  retryAfterUs: leftUs,
  remaining: 0,
  refillAfterUs: leftUs,
  resetAfterUs: leftUs,
});

/** Of a policy that would allow, or is not asked: how it stands. */
export const unchanged = ({ remaining, refillAfterUs, resetAfterUs }: Verdict): Verdict => ({
  outcome: 'allowed',
  remaining,
  refillAfterUs,
  resetAfterUs,
});
