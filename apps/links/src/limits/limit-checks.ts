import type { Duration } from '@spillway/kernel';
import {
  compositeKey,
  createLimiter,
  type Decision,
  type Limiter,
  type LimitStore,
  type OnStoreError,
  type Plans,
  type Quota,
  type StrategyName,
} from '@spillway/limit';
import type { CheckedPolicies } from './checked-policies.ts';
import type { DecisionCounts } from './decision-counts.ts';
import { createLimiterCache } from './limiter-cache.ts';
import type { PlansInForce } from './plan-source.ts';

/** What is asked of limits, for a program that knows itself by an API key. */
export interface LimitCheck {
  /** Whose keys these are: no other's meet them (G8). */
  readonly tenant: string;
  readonly key: string;
  readonly by: CheckedPolicies;
  readonly cost: number;
  readonly id: string | undefined;
  readonly onStoreError: Exclude<OnStoreError, 'throw'>;
}

/** Limits by which other programs limit theirs. */
export interface LimitChecks {
  readonly plans: Plans;
  /** What policies may be counted by here. */
  readonly strategies: ReadonlySet<StrategyName>;
  take(check: LimitCheck): Promise<Decision>;
  peek(check: LimitCheck): Promise<Decision>;
  /** `of`: the decision of the take, as far as it is known. @throws {StoreUnavailableError} */
  refund(check: LimitCheck, of: Decision | undefined): Promise<void>;
  /** @throws {StoreUnavailableError} */
  reset(check: LimitCheck): Promise<void>;
  /** @throws {StoreUnavailableError} */
  block(check: LimitCheck, duration: Duration): Promise<void>;
  close(): Promise<void>;
}

export interface LimitChecksOptions {
  readonly source: PlansInForce;
  readonly store: LimitStore;
  readonly presence: { readonly instances: number };
  readonly countsOf: (name: string) => DecisionCounts;
}

/** Limiters kept, and keys that each remembers by itself: refused ones, and those counted here while the store is away (G7). */
const NAMED = { limiters: 32, maxKeys: 20_000 };
const INLINE = { limiters: 100, maxKeys: 2_000 };

export function createLimitChecks({ source, store, presence, countsOf }: LimitChecksOptions): LimitChecks {
  const caches = { named: createLimiterCache(NAMED.limiters), inline: createLimiterCache(INLINE.limiters) };
  const limiterFor = ({ tenant, by, onStoreError }: LimitCheck): Limiter => {
    const { kind, counted, mode = 'exact' } = by;
    const { maxKeys } = kind === 'named' ? NAMED : INLINE;
    const name = JSON.stringify([onStoreError, mode, counted]);
    const open = () => createLimiter({ policies: counted, mode, onStoreError, maxKeys }, { store, presence });
    return caches[kind].get(kind === 'named' ? '' : tenant, name, open);
  };
  return {
    get plans() {
      return source.plans;
    },
    strategies: store.strategies,
    async take(check) {
      const decision = asCalled(check.by, await limiterFor(check).take(subjectOf(check), costAndId(check)));
      countsOf(check.by.kind === 'named' ? decision.policy : 'inline').count(decision);
      return decision;
    },
    peek: async (check) => asCalled(check.by, await limiterFor(check).peek(subjectOf(check), { cost: check.cost })),
    refund: (check, of) =>
      limiterFor(check).refund(subjectOf(check), { ...costAndId(check), ...(of === undefined ? {} : { of }) }),
    reset: (check) => limiterFor(check).reset(subjectOf(check)),
    block: (check, duration) => limiterFor(check).block(subjectOf(check), duration),
    async close() {
      await Promise.all([caches.named.close(), caches.inline.close()]);
    },
  };
}

const costAndId = ({ cost, id }: LimitCheck) => ({ cost, ...(id === undefined ? {} : { id }) });

const subjectOf = ({ tenant, key, by }: LimitCheck): string =>
  by.kind === 'named'
    ? compositeKey('check', tenant, key)
    : compositeKey('inline', tenant, key, ...by.policies.map(({ name }) => name));

/** The decision with the policies' names as the caller knows them. */
function asCalled({ kind, policies, counted }: CheckedPolicies, decision: Decision): Decision {
  if (kind === 'named') return decision;
  const names = new Map(counted.map(({ name }, at) => [name, policies[at]?.name ?? name]));
  const nameOf = (name: string) => names.get(name) ?? name;
  const called = <Of extends Quota>(quota: Of): Of => ({ ...quota, policy: nameOf(quota.policy) });
  const { quotas } = decision;
  const renamed = quotas === undefined ? called(decision) : { ...called(decision), quotas: quotas.map(called) };
  return renamed.outcome === 'allowed'
    ? renamed
    : { ...renamed, violatedPolicies: renamed.violatedPolicies.map(nameOf) };
}
