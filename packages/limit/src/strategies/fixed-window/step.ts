import type { Strategy } from '../strategy.ts';
import {
  handOverInWindow,
  peekInWindow,
  refundInWindow,
  takeInWindow,
  type Window,
  type WindowCount,
} from '../window-count.ts';
import type { FixedWindowPolicy } from './policy.ts';

/**
 * Fixed window: one counter and the moment its window began. O(1).
 *
 * The state rules while its window lasts, for both alignments: so a window that was shortened ends at once, and a clock that went
 * back behind the window's start still counts in it instead of opening an older one.
 */
export const fixedWindowStrategy: Strategy<FixedWindowPolicy, WindowCount> = {
  take: (policy, state, nowUs, cost) => takeInWindow(policy.limit, windowOf(policy, state, nowUs), state, nowUs, cost),
  peek: (policy, state, nowUs, cost) => peekInWindow(policy.limit, windowOf(policy, state, nowUs), state, nowUs, cost),
  refund: (policy, state, nowUs, cost, taken) => refundInWindow(windowOf(policy, state, nowUs), state, cost, taken),
  expiresAtUs: ({ windowUs }, { startUs }) => startUs + windowUs,
  spanUs: ({ windowUs }) => windowUs,
  leasing: {
    windowLeftUs: (policy, state, nowUs) => windowOf(policy, state, nowUs).endUs - nowUs,
    handOver: (policy, state, nowUs, units, atUs) =>
      handOverInWindow(policy.limit, windowOf(policy, state, nowUs), state, units, atUs),
  },
};

function windowOf({ windowUs, align }: FixedWindowPolicy, state: WindowCount | undefined, nowUs: number): Window {
  if (state !== undefined && nowUs < state.startUs + windowUs) {
    return { startUs: state.startUs, endUs: state.startUs + windowUs };
  }
  const startUs = align === 'clock' ? nowUs - (nowUs % windowUs) : nowUs;
  return { startUs, endUs: startUs + windowUs };
}
