import { createLimiter, type Limiter, type LimitStore, tokenBucket } from '@spillway/limit';
import type { Config, Rate } from '../config.ts';
import type { Foundation } from '../foundation/foundation.ts';

/** The service's own limits. Undefined: switched off. */
export interface Limits {
  readonly redirect: Limiter | undefined;
  readonly miss: Limiter | undefined;
  readonly api: Limiter | undefined;
  readonly create: Limiter | undefined;
  readonly password: Limiter | undefined;
  /** For `POST /limits/check`, by name. */
  readonly named: ReadonlyMap<string, Limiter>;
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
export async function createLimits({ config, neighbours, redis }: Foundation): Promise<Limits> {
  const { presence } = neighbours;
  const shared = (name: keyof Config['limits']): Limiter | undefined => {
    const rate = config.limits[name];
    return rate === 'off' ? undefined : createLimiter({ policy: toPolicy(name, rate), mode: 'share' }, { presence });
  };
  let store: LimitStore | undefined;
  if (redis !== undefined) {
    const { redisLimitStore } = await import('@spillway/limit/redis');
    store = redisLimitStore({ link: redis.main, prefix: config.prefix });
  }
  // Several instances without a Redis have nothing to count in together but their number.
  const mode = store === undefined && config.database.kind === 'postgres' ? 'share' : 'exact';
  const named = NAMED.map((policy): [string, Limiter] => [
    policy.name,
    createLimiter({ policy, mode }, { presence, ...(store === undefined ? {} : { store }) }),
  ]);
  return {
    redirect: shared('redirect'),
    miss: shared('miss'),
    api: shared('api'),
    create: shared('create'),
    password: shared('password'),
    named: new Map(named),
  };
}

const toPolicy = (name: string, { tokens, every, burst }: Rate) =>
  tokenBucket({ name, capacity: burst, refill: { tokens, every } });
