import { holdingsVerdict } from './holdings-verdict.ts';
import type { RedisStrategy } from './redis-strategy.ts';
import { slidingWindowLua } from './sliding-window.lua.ts';

export const redisSlidingWindow: RedisStrategy<'sliding-window'> = {
  letter: 's',
  lua: slidingWindowLua,
  args: ({ limit, subUs, subWindows }) => [limit, subUs, subWindows],
  verdict: holdingsVerdict,
};
