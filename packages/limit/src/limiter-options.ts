import {
  type Clock,
  ConfigurationError,
  type Issue,
  monotonicClock,
  type Presence,
  type Random,
} from '@spillway/kernel';
import { type LeaseOptions, type LeaseSetup, leaseIssues, parseLeaseOptions } from './lease/lease-options.ts';
import { measuredStore } from './measured-store.ts';
import { memoryLimitStore } from './memory/memory-store.ts';
import type { LimitStore } from './store.ts';
import { policyIssues } from './strategies/parse-policy.ts';
import type { Policy } from './strategies/policy.ts';

/**
 * `exact`: every take asks the store, and no policy is ever exceeded (G2). `lease`: units of busy keys are reserved in the store and
 * then spent here, which admits over any interval w at most capacity + rate x (w + maxAge), and never more than a window's limit. `share`:
 * no store at all; each instance admits its part, limit / live instances. For huge numbers of one-time keys, such as client addresses.
 */
export type LimitMode = 'exact' | 'lease' | 'share';

const MODES: readonly LimitMode[] = ['exact', 'lease', 'share'];

/**
 * What a take becomes when the store can not decide: `share`, this instance's part of the limit (G3); `allow` or `deny` without
 * counting; or `throw` the store's error.
 */
export type OnStoreError = 'share' | 'allow' | 'deny' | 'throw';

export type LimiterOptions = ({ readonly policy: Policy } | { readonly policies: readonly Policy[] }) & {
  /** Default `exact`. */
  readonly mode?: LimitMode;
  /** For mode `lease` alone. */
  readonly lease?: LeaseOptions;
  /** Default `share`. */
  readonly onStoreError?: OnStoreError;
  /**
   * Keys that this instance counts by itself (mode `share`, or while the store is away), per policy; and keys whose refusal by the
   * store it remembers, which take at most 44 MB, and 26 more for each further policy. Default 100,000.
   */
  readonly maxKeys?: number;
  /** Calls that `wait` at once; beyond it they are refused with `OverloadedError`. Default 1,000. */
  readonly maxWaiting?: number;
};

export interface LimiterDependencies {
  /** Default in modes `exact` and `lease`: this process's memory. Borrowed: `close()` leaves it open. */
  readonly store?: LimitStore;
  /** By how many a share, and what is left for leases, is divided. Needed wherever one can be; `{ instances: 1 }` where there is only ever one. */
  readonly presence?: Pick<Presence, 'instances'>;
  /** For what is counted in this process. Default: the monotonic clock. */
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface LimiterSetup {
  readonly policies: readonly Policy[];
  readonly mode: LimitMode;
  /** Undefined in other modes. */
  readonly lease: LeaseSetup | undefined;
  readonly onStoreError: OnStoreError;
  readonly maxKeys: number;
  readonly maxWaiting: number;
  readonly store: LimitStore;
  readonly presence: Pick<Presence, 'instances'>;
  readonly clock: Clock;
  readonly random: Random;
}

/** @throws {ConfigurationError} with everything at fault */
export function parseLimiterOptions(options: LimiterOptions, dependencies: LimiterDependencies): LimiterSetup {
  const { mode = 'exact', onStoreError = 'share', maxKeys = 100_000, maxWaiting = 1000 } = options;
  const { store, presence, clock = monotonicClock, random = Math.random } = dependencies;
  const { policies, issues: wrongPolicies } = policyIssues('policies' in options ? options.policies : [options.policy]);
  const issues: Issue[] = [...wrongPolicies];
  if (!MODES.includes(mode)) {
    issues.push({ path: 'mode', message: `must be "exact", "lease" or "share", got ${JSON.stringify(mode)}` });
  }
  const lease = mode === 'lease' ? parseLeaseOptions(options.lease, maxKeys) : undefined;
  if (lease !== undefined) issues.push(...lease.issues, ...leaseIssues(policies, store));
  else if (options.lease !== undefined) {
    issues.push({ path: 'lease', message: 'is only used in mode "lease"; leave it out, or use that mode' });
  }
  if (!['share', 'allow', 'deny', 'throw'].includes(onStoreError)) {
    const message = `must be "share", "allow", "deny" or "throw", got ${JSON.stringify(onStoreError)}`;
    issues.push({ path: 'onStoreError', message });
  }
  for (const [path, bound] of Object.entries({ maxKeys, maxWaiting })) {
    if (!Number.isSafeInteger(bound) || bound < 1) {
      issues.push({ path, message: `must be an integer >= 1, got ${String(bound)}` });
    }
  }
  if (mode !== 'share' && store !== undefined) issues.push(...missingStrategies(policies, store));
  if (mode === 'share' && store !== undefined) {
    issues.push({
      path: 'store',
      message: 'is not used in mode "share"; leave it out, or use mode "exact" or "lease"',
    });
  }
  const isShared = store?.scope === 'shared';
  const divides = mode === 'share' || (isShared && (onStoreError === 'share' || mode === 'lease'));
  if (divides && presence === undefined) {
    const what = mode === 'lease' ? 'what is left for leases' : 'a share of the limit';
    const message = `is missing, and ${what} is divided by the live instances; pass a Presence, or { instances: 1 } if there is only ever one`;
    issues.push({ path: 'presence', message });
  }
  if (issues.length > 0) throw new ConfigurationError('The limiter is set up wrong:', issues);
  return {
    policies,
    mode,
    lease: lease?.setup,
    onStoreError,
    maxKeys,
    maxWaiting,
    store: store === undefined ? memoryLimitStore({ maxKeys, clock, random }) : measuredStore(store),
    presence: presence ?? { instances: 1 },
    clock,
    random,
  };
}

function missingStrategies(policies: readonly Policy[], store: LimitStore): Issue[] {
  const had = [...store.strategies].map((name) => `"${name}"`).join(', ');
  return policies.flatMap(({ strategy, name }, at) => {
    if (store.strategies.has(strategy)) return [];
    const path = policies.length === 1 ? 'policy.strategy' : `policies[${at}].strategy`;
    const message = `must be one that this store has (${had}), got "${strategy}" of policy "${name}"; choose one of these, or another store`;
    return [{ path, message }];
  });
}
