import { ConfigurationError, type Issue } from '@spillway/kernel';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import { takesNoLeases } from '../lease/lease-options.ts';
import { parsePolicy } from '../strategies/parse-policy.ts';
import type { Policy, StrategyName } from '../strategies/policy.ts';

/** What a key may have: every take is charged to all `policies`, or to none. */
export interface Plan {
  readonly name: string;
  /** At least one. */
  readonly policies: readonly Policy[];
  /** Counted and told of (`spillway:limit:shadow`), and never part of a decision: for limits that are being tried out. */
  readonly shadow: readonly Policy[];
  /** How its policies are counted, the shadow ones too; undefined: as the limiter counts. */
  readonly mode?: PlanMode;
}

export type PlanMode = 'exact' | 'lease';
const MODES: readonly PlanMode[] = ['exact', 'lease'];

/** Plans as data, and which key has which. Immutable: a change is a new one. */
export interface Plans {
  readonly byName: ReadonlyMap<string, Plan>;
  /** Of keys that `byKey` does not name. */
  readonly defaultPlan: Plan;
  /** With the key's own policies in place of the plan's, where it has some. */
  readonly byKey: ReadonlyMap<string, Plan>;
}

/** `free`: 10 a minute, for everybody. `premium`: 50 a minute. */
export const shippedPlans = (): Plans =>
  parsePlans({
    default: 'free',
    plans: {
      free: { policies: [tokenBucket({ name: 'free', capacity: 10, refill: { tokens: 10, every: '1m' } })] },
      premium: { policies: [tokenBucket({ name: 'premium', capacity: 50, refill: { tokens: 50, every: '1m' } })] },
    },
  });

/**
 * Plans from unknown data, such as a file:
 *
 *     { "default": "free",
 *       "plans": {
 *         "free": { "policies": [{ "strategy": "token-bucket", "name": "free", "capacity": 10, "refill": { "tokens": 10, "every": "1m" } }] },
 *         "premium": { "policies": [...], "shadow": [...] } },
 *       "keys": {
 *         "acme": "premium",
 *         "ada": { "plan": "free", "policies": [{ ..., "name": "free", "capacity": 20 }] } } }
 *
 * A key's own policies take the place of those of the same name in its plan. `"mode": "lease"` in a plan has units of busy keys
 * reserved ahead, as a limiter of that mode does.
 * @throws {ConfigurationError} with everything at fault
 */
export function parsePlans(input: unknown): Plans {
  const issues: Issue[] = [];
  const fields = record(input, '', 'an object with "default" and "plans"', issues);
  checkFields(fields, ['default', 'plans', 'keys'], '', issues);
  const byName = new Map<string, Plan>();
  for (const [name, plan] of Object.entries(record(fields.plans, 'plans', 'an object of plans by name', issues))) {
    byName.set(name, planFrom(name, plan, issues));
  }
  const nameOf = (value: unknown, path: string): Plan | undefined => {
    const plan = typeof value === 'string' ? byName.get(value) : undefined;
    if (plan === undefined) {
      const names = [...byName.keys()].map((name) => JSON.stringify(name)).join(', ');
      issues.push({ path, message: `must be one of the plans ${names || '(there are none)'}, got ${show(value)}` });
    }
    return plan;
  };
  const defaultPlan = nameOf(fields.default, 'default');
  const byKey = new Map<string, Plan>();
  const keys = fields.keys === undefined ? {} : record(fields.keys, 'keys', 'an object of plans by key', issues);
  for (const [key, value] of Object.entries(keys)) {
    const path = `keys[${JSON.stringify(key)}]`;
    if (typeof value === 'string') {
      const plan = nameOf(value, path);
      if (plan !== undefined) byKey.set(key, plan);
      continue;
    }
    const wrongSoFar = issues.length;
    const own = record(value, path, 'the name of a plan, or an object with "plan" and "policies"', issues);
    if (issues.length > wrongSoFar) continue;
    checkFields(own, ['plan', 'policies'], path, issues);
    const plan = nameOf(own.plan, `${path}.plan`);
    const policies = policiesFrom(own.policies, `${path}.policies`, issues);
    if (plan !== undefined) byKey.set(key, withOwn(plan, policies, `${path}.policies`, issues));
  }
  if (issues.length > 0 || defaultPlan === undefined) throw new ConfigurationError('The plans are wrong:', issues);
  return { byName, defaultPlan, byKey };
}

/** What plans may ask for: others are wrong. */
export interface PlanAbilities {
  /** E.g. a store's `strategies`. Default: all. */
  readonly strategies?: ReadonlySet<StrategyName> | undefined;
  /** E.g. `exact` alone with a store that gives no leases. Default: all. */
  readonly modes?: ReadonlySet<PlanMode> | undefined;
}

/** @throws {ConfigurationError} naming every policy and mode that a store of these abilities can not count by */
export function refuseUnable(plans: Plans, { strategies, modes }: PlanAbilities): void {
  const issues = [
    ...(strategies === undefined ? [] : strategyIssues(plans, strategies)),
    ...(modes === undefined ? [] : modeIssues(plans, modes)),
  ];
  if (issues.length > 0) throw new ConfigurationError('The plans are wrong:', issues);
}

const modeIssues = ({ byName }: Plans, known: ReadonlySet<PlanMode>): Issue[] =>
  [...byName.values()].flatMap(({ name, mode }) => {
    if (mode === undefined || known.has(mode)) return [];
    const words = [...known].map((each) => `"${each}"`).join(', ');
    return [
      { path: `plans[${JSON.stringify(name)}].mode`, message: `must be ${words} with this store, got "${mode}"` },
    ];
  });

function strategyIssues(plans: Plans, known: ReadonlySet<StrategyName>): Issue[] {
  const words = [...known].map((name) => `"${name}"`).join(', ');
  const wrongOf = (policies: readonly Policy[], path: string): Issue[] =>
    policies.flatMap(({ strategy }, at) => {
      if (known.has(strategy)) return [];
      return [{ path: `${path}[${at}].strategy`, message: `must be one of ${words} here, got "${strategy}"` }];
    });
  const wrongIn = (plan: Plan, path: string): Issue[] => [
    ...wrongOf(plan.policies, `${path}.policies`),
    ...wrongOf(plan.shadow, `${path}.shadow`),
  ];
  return [
    ...[...plans.byName].flatMap(([name, plan]) => wrongIn(plan, `plans[${JSON.stringify(name)}]`)),
    ...[...plans.byKey].flatMap(([key, plan]) =>
      plan === plans.byName.get(plan.name) ? [] : wrongIn(plan, `keys[${JSON.stringify(key)}]`),
    ),
  ];
}

function planFrom(name: string, input: unknown, issues: Issue[]): Plan {
  const path = `plans[${JSON.stringify(name)}]`;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
    const message = 'needs a name of 1 to 64 letters, digits, ".", "_" or "-", the first a letter or digit';
    issues.push({ path, message });
  }
  const fields = record(input, path, 'an object with "policies"', issues);
  checkFields(fields, ['policies', 'shadow', 'mode'], path, issues);
  const policies = policiesFrom(fields.policies, `${path}.policies`, issues);
  if (Array.isArray(fields.policies) && fields.policies.length === 0) {
    issues.push({ path: `${path}.policies`, message: 'must hold at least one policy, got none' });
  }
  const shadow = fields.shadow === undefined ? [] : policiesFrom(fields.shadow, `${path}.shadow`, issues);
  const names = [...policies, ...shadow].map((policy) => policy.name);
  for (const twice of new Set(names.filter((each, at) => names.indexOf(each) !== at))) {
    issues.push({ path, message: `has two policies "${twice}"; a name stands once, shadow policies included` });
  }
  const mode = MODES.find((each) => each === fields.mode);
  if (mode === undefined && fields.mode !== undefined) {
    issues.push({ path: `${path}.mode`, message: `must be "exact" or "lease", got ${show(fields.mode)}` });
  }
  if (mode === 'lease') {
    issues.push(...leaseIssues(policies, `${path}.policies`), ...leaseIssues(shadow, `${path}.shadow`));
  }
  return { name, policies, shadow, ...(mode === undefined ? {} : { mode }) };
}

const leaseIssues = (policies: readonly Policy[], path: string): Issue[] =>
  policies.flatMap((policy) => {
    const why = takesNoLeases(policy);
    if (why === undefined) return [];
    return [{ path, message: `"${policy.name}" can not be leased, as its plan's mode "lease" asks for: ${why}` }];
  });

function withOwn(plan: Plan, own: readonly Policy[], path: string, issues: Issue[]): Plan {
  const ownOf = new Map(own.map((policy) => [policy.name, policy]));
  const place = (policy: Policy): Policy => {
    const mine = ownOf.get(policy.name) ?? policy;
    ownOf.delete(policy.name);
    return mine;
  };
  const placed = { ...plan, policies: plan.policies.map(place), shadow: plan.shadow.map(place) };
  for (const name of ownOf.keys()) {
    issues.push({
      path,
      message: `"${name}" is no policy of plan "${plan.name}"; name one that is, or change the plan`,
    });
  }
  if (plan.mode === 'lease') issues.push(...leaseIssues(own, path));
  return placed;
}

function policiesFrom(input: unknown, path: string, issues: Issue[]): readonly Policy[] {
  if (!Array.isArray(input)) {
    issues.push({ path, message: `must be an array of policies, got ${show(input)}` });
    return [];
  }
  return input.flatMap((each, at) => {
    try {
      return parsePolicy(each);
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      for (const issue of error.issues) {
        const field = issue.path === '' ? '' : `.${issue.path}`;
        issues.push({ path: `${path}[${at}]${field}`, message: issue.message });
      }
      return [];
    }
  });
}

function record(input: unknown, path: string, wanted: string, issues: Issue[]): Readonly<Record<string, unknown>> {
  if (typeof input === 'object' && input !== null && !Array.isArray(input)) return { ...input };
  issues.push({ path, message: `must be ${wanted}, got ${show(input)}` });
  return {};
}

function checkFields(
  fields: Readonly<Record<string, unknown>>,
  known: readonly string[],
  path: string,
  issues: Issue[],
): void {
  for (const field of Object.keys(fields)) {
    if (known.includes(field)) continue;
    const message = `is not known here; there are ${known.map((each) => `"${each}"`).join(', ')}`;
    issues.push({ path: path === '' ? field : `${path}.${field}`, message });
  }
}

const show = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 80);
