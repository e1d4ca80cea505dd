import type { Clock } from '@spillway/kernel';
import { createLimiter, type LimitMode, type LimitStore, type Policy, tokenBucket } from '@spillway/limit';
import type { Rate } from '../config.ts';
import type { Foundation } from '../foundation/foundation.ts';
import { type CountedLimiter, countedLimiter } from './counted-limiter.ts';

/** The service's own limits. Undefined: switched off. */
export interface Limits {
  readonly redirect: CountedLimiter | undefined;
  readonly miss: CountedLimiter | undefined;
  readonly api: CountedLimiter | undefined;
  readonly create: CountedLimiter | undefined;
  readonly password: CountedLimiter | undefined;
  /** Guesses of API keys, by client: as many as of codes, and counted apart from them. */
  readonly key: CountedLimiter | undefined;
  /** For `POST /limits/check`, by name. */
  readonly named: ReadonlyMap<string, CountedLimiter>;
  /** Every one that is on. */
  readonly all: readonly CountedLimiter[];
}

/** Policies that anyone with a key may check against: 10 and 50 a minute. */
const NAMED = [
  tokenBucket({ name: 'free', capacity: 10, refill: { tokens: 10, every: '1m' } }),
  tokenBucket({ name: 'premium', capacity: 50, refill: { tokens: 50, every: '1m' } }),
];

/**
 * Clients are counted by each instance against its share of the limit: very many keys, most of them seen once, and no round
 * trip on the way of a redirect. Named policies are exact.
 */
export async function createLimits({ config, neighbours, redis }: Foundation, clock: Clock): Promise<Limits> {
  const { presence } = neighbours;
  const all: CountedLimiter[] = [];
  const open = (policy: Policy, mode: LimitMode, store?: LimitStore): CountedLimiter => {
    const dependencies = store === undefined ? { presence, clock } : { presence, clock, store };
    const limiter = countedLimiter(policy.name, createLimiter({ policy, mode }, dependencies));
    all.push(limiter);
    return limiter;
  };
  const shared = (name: string, rate: Rate | 'off'): CountedLimiter | undefined =>
    rate === 'off' ? undefined : open(toPolicy(name, rate), 'share');
  let store: LimitStore | undefined;
  if (redis !== undefined) {
    const { redisLimitStore } = await import('@spillway/limit/redis');
    store = redisLimitStore({ link: redis.main, prefix: config.prefix });
  }
  // Several instances without a Redis have nothing to count in together but their number.
  const mode = store === undefined && config.database.kind === 'postgres' ? 'share' : 'exact';
  const named = NAMED.map((policy) => [policy.name, open(policy, mode, store)] as const);
  return {
    redirect: shared('redirect', config.limits.redirect),
    miss: shared('miss', config.limits.miss),
    api: shared('api', config.limits.api),
    create: shared('create', config.limits.create),
    password: shared('password', config.limits.password),
    key: shared('key', config.limits.miss),
    named: new Map(named),
    all,
  };
}

const toPolicy = (name: string, { tokens, every, burst }: Rate) =>
  tokenBucket({ name, capacity: burst, refill: { tokens, every } });
