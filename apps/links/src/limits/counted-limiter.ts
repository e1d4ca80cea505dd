import type { Decision, Limiter } from '@spillway/limit';

const OUTCOMES = ['allowed', 'denied'] as const satisfies readonly Decision['outcome'][];
const DECIDED_BY = [
  'store',
  'lease',
  'local-block',
  'share',
  'store-error-policy',
] as const satisfies readonly Decision['decidedBy'][];
const PLACES = Object.fromEntries(DECIDED_BY.map((name, at) => [name, at])) as Record<Decision['decidedBy'], number>;
const REASONS = ['exhausted', 'cost-exceeds-capacity', 'blocked', 'store-unavailable'] as const;

/** What a limiter decided since the start. Combinations that never were are left out. */
export interface LimitCounts {
  readonly decisions: readonly (readonly [Decision['outcome'], Decision['decidedBy'], number])[];
  readonly denials: readonly (readonly [(typeof REASONS)[number], number])[];
  readonly degraded: number;
}

/** A limiter with one policy that counts its decisions in plain numbers: a message per redirect would be too many. */
export interface CountedLimiter extends Limiter {
  /** The policy's name. */
  readonly name: string;
  /** For a decision that was made without asking the limiter, from what it had said before. */
  count(decision: Decision): void;
  counts(): LimitCounts;
}

export function countedLimiter(name: string, limiter: Limiter): CountedLimiter {
  const decisions = new Float64Array(OUTCOMES.length * DECIDED_BY.length);
  const denials = new Float64Array(REASONS.length);
  let degraded = 0;
  const count = (decision: Decision): void => {
    const outcomeAt = decision.outcome === 'allowed' ? 0 : 1;
    const at = outcomeAt * DECIDED_BY.length + PLACES[decision.decidedBy];
    decisions[at] = (decisions[at] ?? 0) + 1;
    if (decision.degraded) degraded += 1;
    if (decision.outcome === 'allowed') return;
    const reason = REASONS.indexOf(decision.reason);
    denials[reason] = (denials[reason] ?? 0) + 1;
  };
  return {
    ...limiter,
    name,
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
    count,
    counts: () => ({
      decisions: OUTCOMES.flatMap((outcome, o) =>
        DECIDED_BY.flatMap((decidedBy, d) => {
          const total = decisions[o * DECIDED_BY.length + d] ?? 0;
          return total > 0 ? [[outcome, decidedBy, total] as const] : [];
        }),
      ),
      denials: REASONS.flatMap((reason, at) => {
        const total = denials[at] ?? 0;
        return total > 0 ? [[reason, total] as const] : [];
      }),
      degraded,
    }),
  };
}
