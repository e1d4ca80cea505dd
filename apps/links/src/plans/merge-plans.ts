import type { Plan, Plans, Policy } from '@spillway/limit';
import type { StoredPlanSet } from './stored-plans.ts';

/** A plan with a key's own policies in place of those of the same name; others are passed over. */
export function withOwn(plan: Plan, own: ReadonlyMap<string, Policy>): Plan {
  const placed = (policy: Policy): Policy => own.get(policy.name) ?? policy;
  return { ...plan, policies: plan.policies.map(placed), shadow: plan.shadow.map(placed) };
}

/**
 * The plans of a file, or those that are shipped, with the database's over them: where both name a plan, it is the database's, also
 * as the default one and as that of the keys that the file names. What the file gives to a key alone stays the key's.
 */
export function mergePlans(base: Plans, { byName: stored, defaultPlan }: StoredPlanSet): Plans {
  if (stored.size === 0) return base;
  const byName = new Map([...base.byName, ...[...stored].map(([name, { plan }]) => [name, plan] as const)]);
  const byKey = new Map([...base.byKey].map(([key, plan]) => [key, ofKey(plan, base, byName)] as const));
  return { byName, byKey, defaultPlan: defaultPlan ?? byName.get(base.defaultPlan.name) ?? base.defaultPlan };
}

function ofKey(plan: Plan, base: Plans, byName: ReadonlyMap<string, Plan>): Plan {
  const [before, now] = [base.byName.get(plan.name), byName.get(plan.name)];
  if (before === undefined || now === undefined || before === now) return plan;
  const usual = new Set([...before.policies, ...before.shadow]);
  const own = [...plan.policies, ...plan.shadow].filter((policy) => !usual.has(policy));
  return own.length === 0 ? now : withOwn(now, new Map(own.map((policy) => [policy.name, policy])));
}
