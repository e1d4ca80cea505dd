import { channel } from 'node:diagnostics_channel';
import { ConfigurationError, type Issue } from '@spillway/kernel';
import {
  type LimitUnknownPlanMessage,
  type Plan,
  type PlanAbilities,
  type Policy,
  parsePlans,
  parsePolicy,
} from '@spillway/limit';
import { withOwn } from '../plans/merge-plans.ts';
import { parsePlan } from '../plans/parse-plan.ts';
import type { PlansInForce } from './plan-source.ts';

/** As much of an API key as its plan depends on. */
export interface PlannedKey {
  readonly id: string;
  /** The name of its plan; undefined: what the file says of its id, else the default one. */
  readonly plan?: string | undefined;
  /** A JSON array of policies in place of those of the same name in its plan. */
  readonly limits?: string | undefined;
}

const unknownPlan = channel('spillway:limit:unknown-plan');

/**
 * A key's plan as it is now; undefined where it has none. Never throws: a plan that is gone means the default one, and limits that
 * fit no more, since the file has changed, are passed over.
 */
export function planOfKey(
  { plans, forEveryKey }: PlansInForce,
  { id, plan: name, limits }: PlannedKey,
): Plan | undefined {
  const base = name === undefined ? plans.byKey.get(id) : plans.byName.get(name);
  if (base === undefined) {
    if (name !== undefined && unknownPlan.hasSubscribers) {
      unknownPlan.publish({ plan: name } satisfies LimitUnknownPlanMessage);
    }
    // Whoever was given a plan is not without limits because it is gone.
    if (name === undefined && !forEveryKey) return undefined;
    return withLimits(plans.defaultPlan, limits);
  }
  return withLimits(base, limits);
}

function withLimits(plan: Plan, limits: string | undefined): Plan {
  if (limits === undefined) return plan;
  const own = new Map<string, Policy>();
  for (const each of JSON.parse(limits) as readonly unknown[]) {
    const policy = policyFrom(each);
    if (policy !== undefined) own.set(policy.name, policy);
  }
  const placed = withOwn(plan, own);
  if (placed.mode !== 'lease' || fitsLeases(placed)) return placed;
  // A policy of the key's own that can not be leased, since the plan has changed: exact is never more than it may have.
  return { ...placed, mode: 'exact' };
}

const fitsLeases = ({ name, policies, shadow, mode }: Plan): boolean =>
  'plan' in parsePlan(name, { policies, shadow, mode }, {});

function policyFrom(input: unknown): Policy | undefined {
  try {
    return parsePolicy(input);
  } catch {
    return undefined;
  }
}

/** What is wrong with a plan and limits that a key is to have, by field: `plan`, `limits.0.capacity`. */
export function issuesOfKey(
  { plans, forEveryKey }: PlansInForce,
  { strategies }: PlanAbilities,
  { id, plan, limits }: { readonly id: string; readonly plan: string | undefined; readonly limits: readonly unknown[] },
): readonly Issue[] {
  if (plan !== undefined && !plans.byName.has(plan)) {
    const names = [...plans.byName.keys()].join(', ');
    return [{ path: 'plan', message: `must be one of ${names}, got ${JSON.stringify(plan.slice(0, 100))}` }];
  }
  if (limits.length === 0) return [];
  const base = plan === undefined ? plans.byKey.get(id) : plans.byName.get(plan);
  if (base === undefined && !forEveryKey) {
    return [{ path: 'limits', message: 'stand in place of those of a plan: give the key one, e.g. "plan": "free"' }];
  }
  const { name, policies, shadow, mode } = base ?? plans.defaultPlan;
  const unable = limits.flatMap((limit, at): Issue[] => {
    const { strategy } = Object(limit) as { readonly strategy?: unknown };
    const known: ReadonlySet<string> | undefined = strategies;
    if (typeof strategy !== 'string' || known === undefined || known.has(strategy)) return [];
    if (policyFrom(limit) === undefined) return [];
    const words = [...known].join(', ');
    return [{ path: `limits.${at}.strategy`, message: `must be one of ${words} here, got "${strategy}"` }];
  });
  if (unable.length > 0) return unable;
  try {
    parsePlans({
      default: name,
      plans: { [name]: { policies, shadow, mode } },
      keys: { key: { plan: name, policies: limits } },
    });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.issues.map(({ path, message }) => ({ path: fieldOf(path), message }));
  }
}

/** `keys["key"].policies[0].refill.every` -> `limits.0.refill.every`. */
const fieldOf = (path: string): string =>
  path.replace(/^keys\["key"\]\.policies/, 'limits').replaceAll(/\[(\d+)\]/g, '.$1');
