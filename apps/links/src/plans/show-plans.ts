import type { Plan } from '@spillway/limit';
import type { z } from 'zod';
import type { PlanSource } from '../limits/plan-source.ts';
import { toWritten } from './parse-plan.ts';
import type { planAnswer, plansAnswer } from './plan-schemas.ts';

/** A plan that is in force, with where it comes from. */
export function showPlan({ plans, forEveryKey, base, stored }: PlanSource, plan: Plan): z.output<typeof planAnswer> {
  const { name, policies, shadow, mode = 'exact' } = plan;
  const row = stored.now.byName.get(name)?.row;
  return {
    name,
    policies: policies.map(toWritten),
    shadow: shadow.map(toWritten),
    mode,
    default: forEveryKey && plans.defaultPlan.name === name,
    source: row === undefined ? base.kind : 'database',
    hides: row !== undefined && base.plans.byName.has(name) ? base.kind : null,
    updatedAt: row === undefined ? null : new Date(row.updatedAtMs).toISOString(),
  };
}

export function showPlans(source: PlanSource): z.output<typeof plansAnswer> {
  const all = [...source.plans.byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  const { error } = source.base;
  return {
    data: all.map((plan) => showPlan(source, plan)),
    wrong: [...source.stored.now.wrong].map(([name, issues]) => ({
      name,
      errors: issues.map(({ path, message }) => ({ field: path, message })),
    })),
    file: error === undefined ? null : { error: error.message },
  };
}
