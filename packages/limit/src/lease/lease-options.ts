import { ConfigurationError, type Duration, type Issue, toMs } from '@spillway/kernel';
import type { LimitStore } from '../store.ts';
import type { Policy } from '../strategies/policy.ts';
import { stepsOf } from '../strategies/strategy-of.ts';

export interface LeaseOptions {
  /**
   * How long a lease may be spent after it was asked for: from `10ms` to `1m`. Over any interval so much longer the policy's rate is
   * admitted more. Default `1s`.
   */
  readonly maxAge?: Duration;
  /** Keys that this instance follows, to lease for them; those beyond it are exact. Default: the limiter's `maxKeys`. */
  readonly maxKeys?: number;
}

export interface LeaseSetup {
  readonly maxAgeUs: number;
  readonly maxKeys: number;
}

const SHORTEST_US = 10_000;
const LONGEST_US = 60_000_000;

export function parseLeaseOptions(given: unknown, limiterMaxKeys: number): { setup: LeaseSetup; issues: Issue[] } {
  const issues: Issue[] = [];
  const isRecord = typeof given === 'object' && given !== null;
  if (given !== undefined && !isRecord) {
    issues.push({ path: 'lease', message: `must be { maxAge, maxKeys }, both optional, got ${JSON.stringify(given)}` });
  }
  const { maxAge = '1s', maxKeys = limiterMaxKeys } = (isRecord ? given : {}) as LeaseOptions;
  const maxAgeUs = durationUs(maxAge);
  if (!(maxAgeUs >= SHORTEST_US && maxAgeUs <= LONGEST_US)) {
    const message = `must be a duration from "10ms" to "1m", e.g. "1s", got ${JSON.stringify(maxAge)}`;
    issues.push({ path: 'lease.maxAge', message });
  }
  if (!Number.isSafeInteger(maxKeys) || maxKeys < 1) {
    issues.push({ path: 'lease.maxKeys', message: `must be an integer >= 1, got ${String(maxKeys)}` });
  }
  return { setup: { maxAgeUs, maxKeys }, issues };
}

function durationUs(value: unknown): number {
  try {
    return typeof value === 'string' ? toMs(value as Duration) * 1000 : Number.NaN;
  } catch (error) {
    if (error instanceof ConfigurationError) return Number.NaN;
    throw error;
  }
}

/** What stands in the way of leases: policies that take none, or a store that gives none. */
export function leaseIssues(policies: readonly Policy[], store: LimitStore | undefined): Issue[] {
  const issues = policies.flatMap((policy, at): Issue[] => {
    const why = takesNoLeases(policy);
    if (why === undefined) return [];
    const path = policies.length === 1 ? 'policy' : `policies[${at}]`;
    return [{ path, message: `can not be leased, got "${policy.strategy}" of policy "${policy.name}": ${why}` }];
  });
  if (store !== undefined && store.reserve === undefined) {
    const message =
      'must be one that gives leases (Redis, memory), got one without reserve(); use mode "exact" with it';
    issues.push({ path: 'store', message });
  }
  return issues;
}

/** Why, and what to do instead; undefined when it takes leases. */
export function takesNoLeases(policy: Policy): string | undefined {
  if (policy.strategy === 'sliding-log') return 'a log is exact to each entry; use mode "exact", or "sliding-window"';
  if (policy.strategy === 'concurrency') return 'slots are held by an id each; use mode "exact"';
  if (policy.strategy === 'gcra' && policy.burst === 0) {
    return 'evenly spaced units have nothing to reserve; use mode "exact", or a burst of 1 or more';
  }
  return stepsOf(policy).leasing === undefined ? 'its strategy has no leasing; use mode "exact"' : undefined;
}
