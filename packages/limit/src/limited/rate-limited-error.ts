import { SpillwayError } from '@spillway/kernel';
import type { Decision } from '../core/decision.ts';

export type Refusal = Extract<Decision, { readonly outcome: 'denied' }>;

/**
 * A call of a limited function was refused, and the function was not called. Elsewhere a refusal is a value; a function that
 * promises its own result has no other way to say so.
 */
export class RateLimitedError extends SpillwayError {
  override readonly name = 'RateLimitedError';
  readonly code = 'SPILLWAY_RATE_LIMITED';
  readonly retryable = true;
  readonly decision: Refusal;

  constructor(what: string, decision: Refusal) {
    const wait =
      decision.reason === 'cost-exceeds-capacity'
        ? `it costs more than the policy ever allows (${decision.limit}); ask for less`
        : `try again in ${decision.retryAfterMs} ms`;
    super(`A call of ${what} was refused by "${decision.policy}" (${decision.reason}); ${wait}`);
    this.decision = decision;
  }
}
