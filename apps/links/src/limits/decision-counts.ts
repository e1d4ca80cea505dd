import type { Decision } from '@spillway/limit';

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

/** What was decided since the start. Combinations that never were are left out. */
export interface LimitCounts {
  readonly decisions: readonly (readonly [Decision['outcome'], Decision['decidedBy'], number])[];
  readonly denials: readonly (readonly [(typeof REASONS)[number], number])[];
  readonly degraded: number;
}

/** Decisions in plain numbers: a message per redirect would be too many. */
export interface DecisionCounts {
  /** As it stands in the metrics, never a user's. */
  readonly name: string;
  count(decision: Decision): void;
  counts(): LimitCounts;
}

export function createDecisionCounts(name: string): DecisionCounts {
  const decisions = new Float64Array(OUTCOMES.length * DECIDED_BY.length);
  const denials = new Float64Array(REASONS.length);
  let degraded = 0;
  return {
    name,
    count(decision) {
      const outcomeAt = decision.outcome === 'allowed' ? 0 : 1;
      const at = outcomeAt * DECIDED_BY.length + PLACES[decision.decidedBy];
      decisions[at] = (decisions[at] ?? 0) + 1;
      if (decision.degraded) degraded += 1;
      if (decision.outcome === 'allowed') return;
      const reason = REASONS.indexOf(decision.reason);
      denials[reason] = (denials[reason] ?? 0) + 1;
    },
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

/** Names come from files that change: no more than so many are told apart, the rest is one (G7). */
const MOST_NAMES = 100;
const REST = 'other';

/** Counts by name, made when a name is first met, and added to `all`. */
export function createCountsByName(all: DecisionCounts[]): (name: string) => DecisionCounts {
  const known = new Map<string, DecisionCounts>();
  return function countsOf(name): DecisionCounts {
    const found = known.get(name);
    if (found !== undefined) return found;
    if (known.size >= MOST_NAMES && name !== REST) return countsOf(REST);
    const made = createDecisionCounts(name);
    known.set(name, made);
    all.push(made);
    return made;
  };
}
