import { type LimitStore, memoryLimitStore } from '@spillway/limit';
import type { Foundation } from '../foundation/foundation.ts';

/** Opens where exact limits are counted: Redis where there is one, else PostgreSQL, else this process's memory, anew each time. */
export async function limitStores({ config, database, redis }: Foundation): Promise<() => LimitStore> {
  if (redis !== undefined) {
    const { redisLimitStore } = await import('@spillway/limit/redis');
    const store = redisLimitStore({ link: redis.main, prefix: config.prefix });
    return () => store;
  }
  if (database.limits !== undefined) {
    const { postgresLimitStore } = await import('@spillway/limit/postgres');
    const store = postgresLimitStore({ sql: database.limits });
    return () => store;
  }
  // One for each use: no number of keys in the one fills the other.
  return () => memoryLimitStore();
}
