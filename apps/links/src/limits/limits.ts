import type { Clock } from '@spillway/kernel';
import { createLimiter, tokenBucket } from '@spillway/limit';
import type { Rate } from '../config.ts';
import type { Foundation } from '../foundation/foundation.ts';
import { type CountedLimiter, countedLimiter } from './counted-limiter.ts';
import { createCountsByName, type DecisionCounts } from './decision-counts.ts';
import { createKeyPlans, type KeyPlans } from './key-plans.ts';
import { createLimitChecks, type LimitChecks } from './limit-checks.ts';
import { limitStores } from './limit-store.ts';
import { planAbilities } from './plan-abilities.ts';
import { openPlans, type PlanSource } from './plan-source.ts';

/** The service's own limits. Undefined: switched off. */
export interface Limits {
  readonly redirect: CountedLimiter | undefined;
  readonly miss: CountedLimiter | undefined;
  /** Calls of keys that have no plan. */
  readonly api: CountedLimiter | undefined;
  readonly create: CountedLimiter | undefined;
  readonly password: CountedLimiter | undefined;
  /** Guesses of API keys, by client: as many as of codes, and counted apart from them. */
  readonly key: CountedLimiter | undefined;
  /** Of keys that have one. */
  readonly plans: KeyPlans;
  /** What other programs limit by. */
  readonly checks: LimitChecks;
  readonly planSource: PlanSource;
  /** What was decided by each that is on, as far as it was asked. */
  readonly all: readonly DecisionCounts[];
  close(): Promise<void>;
}

/**
 * Clients are counted by each instance against its share of the limit: very many keys, most of them seen once, and no round
 * trip on the way of a redirect. Plans are exact, or leased where they say so; what else other programs limit by is exact.
 * @throws {ConfigurationError} when the file of the plans is wrong
 */
export async function createLimits(foundation: Foundation, clock: Clock): Promise<Limits> {
  const { config, neighbours } = foundation;
  const { presence } = neighbours;
  const all: DecisionCounts[] = [];
  const shared = (name: string, rate: Rate | 'off'): CountedLimiter | undefined => {
    if (rate === 'off') return undefined;
    const limiter = createLimiter({ policy: toPolicy(name, rate), mode: 'share' }, { presence, clock });
    const counted = countedLimiter(name, limiter);
    all.push(counted);
    return counted;
  };
  const openStore = await limitStores(foundation);
  const store = openStore();
  const able = planAbilities(store);
  const planSource = await openPlans(foundation, able);
  const countsOf = createCountsByName(all);
  const plans = createKeyPlans({ source: planSource, store, presence, countsOf, able });
  const checks = createLimitChecks({ source: planSource, store: openStore(), presence, countsOf });
  return {
    redirect: shared('redirect', config.limits.redirect),
    miss: shared('miss', config.limits.miss),
    api: shared('api', config.limits.api),
    create: shared('create', config.limits.create),
    password: shared('password', config.limits.password),
    key: shared('key', config.limits.miss),
    plans,
    checks,
    planSource,
    all,
    async close() {
      await Promise.all([planSource.close(), plans.close(), checks.close()]);
    },
  };
}

const toPolicy = (name: string, { tokens, every, burst }: Rate) =>
  tokenBucket({ name, capacity: burst, refill: { tokens, every } });
