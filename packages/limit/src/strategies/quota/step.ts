import type { Strategy } from '../strategy.ts';
import {
  handOverInWindow,
  peekInWindow,
  refundInWindow,
  takeInWindow,
  type Window,
  type WindowCount,
} from '../window-count.ts';
import { calendarWindow } from './calendar.ts';
import type { QuotaPolicy } from './policy.ts';

/**
 * Calendar quota: one counter and the moment its period began. O(1).
 *
 * What was taken counts in the period that holds the state's moment: after a change of the time zone or the period too. A clock
 * that went back behind that moment stays in its period.
 *
 * A store with a clock of its own can not be told the window, since it may lie on the other side of an edge; it is given the
 * windows around this instance's clock (`quotaWindow`), and picks by its own.
 */
export const quotaStrategy: Strategy<QuotaPolicy, WindowCount> = {
  take: (policy, state, nowUs, cost) => takeInWindow(policy.limit, windowOf(policy, state, nowUs), state, nowUs, cost),
  peek: (policy, state, nowUs, cost) => peekInWindow(policy.limit, windowOf(policy, state, nowUs), state, nowUs, cost),
  refund: (policy, state, nowUs, cost, taken) => refundInWindow(windowOf(policy, state, nowUs), state, cost, taken),
  expiresAtUs: (policy, { startUs }) => quotaWindow(policy, startUs).endUs,
  /** Of a month, its 31 days: the same on every answer. */
  spanUs: ({ per }) => ({ day: 1, week: 7, month: 31 })[per] * 86_400e6,
  leasing: {
    windowLeftUs: (policy, state, nowUs) => windowOf(policy, state, nowUs).endUs - nowUs,
    handOver: (policy, state, nowUs, units, atUs) =>
      handOverInWindow(policy.limit, windowOf(policy, state, nowUs), state, units, atUs),
  },
};

const windowOf = (policy: QuotaPolicy, state: WindowCount | undefined, nowUs: number): Window =>
  quotaWindow(policy, Math.max(nowUs, state?.startUs ?? 0));

/** The windows before, of and after a moment, and one more: nobody else asks for others. */
const REMEMBERED = 4;
const remembered = new WeakMap<QuotaPolicy, readonly Window[]>();

/** The period that `atUs` lies in. The one before ends at its `startUs`, the next one begins at its `endUs`. */
export function quotaWindow(policy: QuotaPolicy, atUs: number): Window {
  const known = remembered.get(policy) ?? [];
  const found = known.find(({ startUs, endUs }) => startUs <= atUs && atUs < endUs);
  if (found !== undefined) return found;
  const window = calendarWindow(policy, atUs);
  remembered.set(policy, [window, ...known].slice(0, REMEMBERED));
  return window;
}
