import type { DecidedBy, Decision, Quota, Verdict } from './core/decision.ts';
import type { Policy } from './strategies/policy.ts';

/** Asked again after this when the store is away and `onStoreError` is `deny`. */
const RETRY_UNAVAILABLE_MS = 1000;

const toMs = (us: number): number => Math.ceil(us / 1000);

/**
 * One decision from each policy's verdict. It describes the policy that binds: of those that refuse, one that is blocked, else one
 * that can never admit, else the one that takes longest; if none refuses, the one with the least left. `chargedAtUs` is of a take
 * that is charged if it is allowed.
 */
export function decide(
  policies: readonly Policy[],
  verdicts: readonly Verdict[],
  decidedBy: DecidedBy,
  degraded: boolean,
  chargedAtUs?: number,
): Decision {
  if (verdicts.length !== policies.length) {
    throw new TypeError(`The limit store gave ${verdicts.length} verdicts for ${policies.length} policies`);
  }
  const binding = bindingOf(verdicts);
  const policy = policies[binding];
  const verdict = verdicts[binding];
  if (policy === undefined || verdict === undefined) throw new TypeError('A limiter needs at least one policy');
  const decision = toDecision(policy, verdict, decidedBy, degraded, chargedAtUs);
  if (policies.length === 1) return decision;
  const quotas = policies.map((each, at) => toQuota(each, verdicts[at] ?? verdict));
  if (decision.outcome === 'allowed') return { ...decision, quotas };
  const violatedPolicies = policies.filter((_, at) => verdicts[at]?.outcome === 'denied').map(({ name }) => name);
  return { ...decision, quotas, violatedPolicies };
}

/** What `onStoreError: 'allow' | 'deny'` says, or one who has no room left to count by. Nothing is known of the quota, so nothing is promised. */
export function decideWithoutStore(policies: readonly Policy[], outcome: Decision['outcome']): Decision {
  const [first] = policies;
  const known = {
    policy: first?.name ?? '',
    limit: first?.capacity ?? 0,
    remaining: 0,
    refillAfterMs: 0,
    resetAfterMs: 0,
    decidedBy: 'store-error-policy',
    degraded: true,
  } as const;
  if (outcome === 'allowed') return { outcome, ...known };
  const reason = 'store-unavailable';
  return { outcome, reason, retryAfterMs: RETRY_UNAVAILABLE_MS, violatedPolicies: [], ...known };
}

// Written out per outcome, without spreads: this runs on every take.
function toDecision(
  policy: Policy,
  verdict: Verdict,
  decidedBy: DecidedBy,
  degraded: boolean,
  chargedAtUs: number | undefined,
): Decision {
  const { name, capacity: limit } = policy;
  const { outcome, remaining } = verdict;
  const refillAfterMs = toMs(verdict.refillAfterUs);
  const resetAfterMs = toMs(verdict.resetAfterUs);
  if (outcome === 'allowed') {
    if (chargedAtUs !== undefined) {
      return { outcome, policy: name, limit, remaining, refillAfterMs, resetAfterMs, decidedBy, degraded, chargedAtUs };
    }
    return { outcome, policy: name, limit, remaining, refillAfterMs, resetAfterMs, decidedBy, degraded };
  }
  const { reason } = verdict;
  const violatedPolicies = [name];
  switch (reason) {
    case 'exhausted':
    case 'blocked':
      return {
        outcome,
        reason,
        retryAfterMs: toMs(verdict.retryAfterUs),
        violatedPolicies,
        policy: name,
        limit,
        remaining,
        refillAfterMs,
        resetAfterMs,
        decidedBy,
        degraded,
      };
    case 'cost-exceeds-capacity':
      return {
        outcome,
        reason,
        violatedPolicies,
        policy: name,
        limit,
        remaining,
        refillAfterMs,
        resetAfterMs,
        decidedBy,
        degraded,
      };
    default:
      return reason satisfies never;
  }
}

const toQuota = (policy: Policy, verdict: Verdict): Quota => ({
  policy: policy.name,
  limit: policy.capacity,
  remaining: verdict.remaining,
  refillAfterMs: toMs(verdict.refillAfterUs),
  resetAfterMs: toMs(verdict.resetAfterUs),
});

function bindingOf(verdicts: readonly Verdict[]): number {
  if (verdicts.length === 1) return 0;
  let binding = 0;
  for (const [at, verdict] of verdicts.entries()) {
    const best = verdicts[binding];
    if (best !== undefined && bindsMore(verdict, best)) binding = at;
  }
  return binding;
}

function bindsMore(verdict: Verdict, than: Verdict): boolean {
  const rank = RANKS[rankOf(verdict)] - RANKS[rankOf(than)];
  if (rank !== 0) return rank > 0;
  const wait = waitUs(verdict) - waitUs(than);
  return wait === 0 ? verdict.remaining < than.remaining : wait > 0;
}

const RANKS = { allowed: 0, exhausted: 1, 'cost-exceeds-capacity': 2, blocked: 3 };

const rankOf = (verdict: Verdict): keyof typeof RANKS => (verdict.outcome === 'allowed' ? 'allowed' : verdict.reason);

const waitUs = (verdict: Verdict): number =>
  verdict.outcome === 'denied' && 'retryAfterUs' in verdict ? verdict.retryAfterUs : 0;
