import { ConfigurationError, type Issue } from '@spillway/kernel';
import { type PlanMode, type Plans, type Policy, parsePolicy, type StrategyName } from '@spillway/limit';
import { shown } from '../http/saying.ts';

/** By which policies a check is decided. */
export interface CheckedPolicies {
  readonly kind: 'named' | 'inline';
  /** As the caller knows them. */
  readonly policies: readonly Policy[];
  /**
   * As they are counted. Inline ones have a name by their place, since a store may keep something for each name, and there is no
   * end to those that callers make up; their own names belong to what is counted.
   */
  readonly counted: readonly Policy[];
  /** Of a plan that says it. Default `exact`. */
  readonly mode?: PlanMode;
}

/** How a caller names policies: each by its name or written out, or all of a plan. */
export interface NamedPolicies {
  readonly policy?: unknown;
  readonly policies?: readonly unknown[] | undefined;
  readonly plan?: string | undefined;
}

export type Resolved = CheckedPolicies | { readonly errors: readonly Issue[] };

/** @returns what is wrong by field (`policy`, `policies.1.capacity`), or the policies */
export function resolvePolicies(given: NamedPolicies, plans: Plans, known: ReadonlySet<StrategyName>): Resolved {
  if (given.plan !== undefined) {
    const plan = plans.byName.get(given.plan);
    if (plan !== undefined) {
      const { policies, mode = 'exact' } = plan;
      return { kind: 'named', policies, counted: policies, mode };
    }
    const names = [...plans.byName.keys()].join(', ');
    return wrong('plan', `must be one of ${names}, got ${shown(given.plan)}`);
  }
  const list = given.policies ?? [given.policy];
  const pathOf = (at: number) => (given.policies === undefined ? 'policy' : `policies.${at}`);
  if (list.every((each) => typeof each === 'string')) {
    return settled(
      list.map((name, at) => named(plans, name, pathOf(at))),
      'named',
      pathOf,
    );
  }
  if (list.some((each) => typeof each === 'string')) {
    return wrong('policies', 'must either all be names or all be written out: names are counted apart from the others');
  }
  return settled(
    list.map((input, at) => inline(input, known, pathOf(at))),
    'inline',
    pathOf,
  );
}

type Found =
  | { readonly policy: Policy; readonly counted?: (at: number) => Policy }
  | { readonly errors: readonly Issue[] };

const wrong = (path: string, message: string) => ({ errors: [{ path, message }] });

function settled(found: readonly Found[], kind: 'named' | 'inline', pathOf: (at: number) => string): Resolved {
  const errors = found.flatMap((each) => ('errors' in each ? each.errors : []));
  const right = found.flatMap((each) => ('errors' in each ? [] : [each]));
  const names = right.map(({ policy }) => policy.name);
  const twice = names.findIndex((name, at) => names.indexOf(name) < at);
  if (errors.length === 0 && twice > 0) {
    return wrong(pathOf(twice), `must have a name of its own, got "${names[twice]}" twice`);
  }
  if (errors.length > 0) return { errors };
  if (kind === 'inline') right.sort((a, b) => (a.policy.name < b.policy.name ? -1 : 1));
  return {
    kind,
    policies: right.map(({ policy }) => policy),
    counted: right.map(({ policy, counted }, at) => counted?.(at) ?? policy),
  };
}

/** `minute`, or `premium/minute` where several plans have another policy of that name. */
function named(plans: Plans, name: string, path: string): Found {
  const all = [...plans.byName.values()].flatMap((plan) =>
    plan.policies.map((policy) => ({ policy, full: `${plan.name}/${policy.name}` })),
  );
  const exact = all.find(({ full }) => full === name);
  if (exact !== undefined) return exact;
  const same = all.filter(({ policy }) => policy.name === name);
  const [first] = same;
  if (first === undefined) return wrong(path, `must be one of ${namesOf(plans).join(', ')}, got ${shown(name)}`);
  if (same.every(({ policy }) => JSON.stringify(policy) === JSON.stringify(first.policy))) return first;
  return wrong(
    path,
    `is another one in each plan: must be one of ${same.map(({ full }) => full).join(', ')}, got ${shown(name)}`,
  );
}

/** What policies may be called. */
export const namesOf = (plans: Plans): readonly string[] => [
  ...new Set([...plans.byName.values()].flatMap(({ policies }) => policies.map(({ name }) => name))),
];

function inline(input: unknown, known: ReadonlySet<StrategyName>, path: string): Found {
  try {
    const policy = parsePolicy(input);
    if (!known.has(policy.strategy)) {
      return wrong(`${path}.strategy`, `must be one of ${[...known].join(', ')} here, got "${policy.strategy}"`);
    }
    return { policy, counted: (at) => parsePolicy({ ...Object(input), name: `inline-${at}` }) };
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return {
      errors: error.issues.map((issue) => ({
        path: issue.path === '' ? path : `${path}.${issue.path}`,
        message: issue.message,
      })),
    };
  }
}
