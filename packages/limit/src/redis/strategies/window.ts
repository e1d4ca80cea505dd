import { quotaWindow } from '../../strategies/quota/step.ts';
import { verdictOf } from '../../strategies/verdict.ts';
import type { Numbers, RedisStrategy } from './redis-strategy.ts';
import { fixedWindowLua, quotaLua } from './window.lua.ts';

function verdict({ limit }: { readonly limit: number }, outcome: 'allowed' | 'denied', cost: number, numbers: Numbers) {
  const taken = numbers.take();
  const endsAfterUs = numbers.take();
  const missing = taken === 0 ? 0 : endsAfterUs;
  // Below zero after the limit was lowered under what had been taken.
  const standing = { remaining: Math.max(0, limit - taken), refillAfterUs: missing, resetAfterUs: missing };
  return verdictOf(outcome, limit, cost, standing, () => endsAfterUs);
}

export const redisFixedWindow: RedisStrategy<'fixed-window'> = {
  letter: 'w',
  lua: fixedWindowLua,
  args: ({ limit, windowUs, align }) => [limit, windowUs, align === 'clock' ? 1 : 0],
  verdict,
};

/** The store's clock may be on the other side of an edge: it is told the window before and the one after, too. */
export const redisQuota: RedisStrategy<'quota'> = {
  letter: 'q',
  lua: quotaLua,
  args(policy, aroundUs) {
    const { startUs, endUs } = quotaWindow(policy, aroundUs);
    const before = quotaWindow(policy, Math.max(0, startUs - 1));
    return [policy.limit, Math.max(0, before.startUs), Math.max(0, startUs), endUs, quotaWindow(policy, endUs).endUs];
  },
  servesUntil(policy, aroundUs) {
    const { startUs, endUs } = quotaWindow(policy, aroundUs);
    return { fromUs: startUs, toUs: endUs };
  },
  verdict,
};
