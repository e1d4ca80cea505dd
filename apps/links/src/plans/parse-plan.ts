import { ConfigurationError, type Issue } from '@spillway/kernel';
import { type Plan, type PlanAbilities, type Policy, parsePlans, refuseUnable } from '@spillway/limit';

/** A plan as it is written, in the table, in a file and in the API. */
export interface WrittenPlan {
  readonly policies: unknown;
  readonly shadow?: unknown;
  readonly mode?: unknown;
}

/** The plan, or all that is wrong with it, by field: `policies.0.capacity`. */
export function parsePlan(
  name: string,
  { policies, shadow, mode }: WrittenPlan,
  able: PlanAbilities,
): { readonly plan: Plan } | { readonly issues: readonly Issue[] } {
  try {
    const plans = parsePlans({ default: name, plans: { [name]: { policies, shadow, mode } } });
    refuseUnable(plans, able);
    return { plan: plans.defaultPlan };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const inPlan = error.issues.filter(({ path }) => path !== 'default');
    return { issues: inPlan.map(({ path, message }) => ({ path: fieldOf(name, path), message })) };
  }
}

/** `plans["free"].policies[0].refill.every` -> `policies.0.refill.every`. What is wrong with the whole is wrong with its policies. */
function fieldOf(name: string, path: string): string {
  const rest = path.slice(`plans[${JSON.stringify(name)}]`.length).replace(/^\./, '');
  return rest === '' ? 'policies' : rest.replaceAll(/\[(\d+)\]/g, '.$1');
}

const WRITTEN: ReadonlySet<string> = new Set([
  ...['strategy', 'name', 'limit', 'window', 'align', 'subWindows', 'every', 'burst', 'per', 'timeZone', 'weekStart'],
  ...['refill', 'lease'],
]);

/** A policy without what its parser has derived: what one would write to have it. */
export function toWritten(policy: Policy): Record<string, unknown> {
  const isWritten = (field: string) =>
    WRITTEN.has(field) || (field === 'capacity' && policy.strategy === 'token-bucket');
  return Object.fromEntries(Object.entries(policy).filter(([field]) => isWritten(field)));
}
