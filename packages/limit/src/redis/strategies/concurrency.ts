import { concurrencyLua } from './concurrency.lua.ts';
import { holdingsVerdict } from './holdings-verdict.ts';
import type { RedisStrategy } from './redis-strategy.ts';

export const redisConcurrency: RedisStrategy<'concurrency'> = {
  letter: 'c',
  lua: concurrencyLua,
  args: ({ limit, leaseUs }) => [limit, leaseUs],
  verdict: holdingsVerdict,
};
