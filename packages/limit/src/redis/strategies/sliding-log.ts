import { holdingsVerdict } from './holdings-verdict.ts';
import type { RedisStrategy } from './redis-strategy.ts';
import { slidingLogLua } from './sliding-log.lua.ts';

export const redisSlidingLog: RedisStrategy<'sliding-log'> = {
  letter: 'l',
  lua: slidingLogLua,
  args: ({ limit, windowUs }) => [limit, windowUs],
  verdict: holdingsVerdict,
};
