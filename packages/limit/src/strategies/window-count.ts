/**
 * One counter for one window: what fixed windows and calendar quotas have in common. They differ in where a window begins and
 * ends; the window of a step is given to it. O(1).
 */
import type { Verdict } from '../core/decision.ts';
import type { Step, Taken } from './strategy.ts';
import { verdictOf } from './verdict.ts';

/** `startUs <= t < endUs`. */
export interface Window {
  readonly startUs: number;
  readonly endUs: number;
}

export interface WindowCount {
  /** Of the window that the takes were in. */
  readonly startUs: number;
  readonly taken: number;
}

/** A take in `window`, which is the one of `nowUs`, or the one of the state when the clock went back behind it. */
export function takeInWindow(
  limit: number,
  window: Window,
  state: WindowCount | undefined,
  nowUs: number,
  cost: number,
): Step<WindowCount> {
  const taken = takenIn(window, state);
  // Not a sum: it could pass 2^53.
  if (cost > limit - taken) return { verdict: verdictIn(limit, window, taken, nowUs, cost, 'denied'), state };
  const after = taken + cost;
  return {
    verdict: verdictIn(limit, window, after, nowUs, cost, 'allowed'),
    state: { startUs: window.startUs, taken: after },
  };
}

export function peekInWindow(
  limit: number,
  window: Window,
  state: WindowCount | undefined,
  nowUs: number,
  cost: number,
): Verdict {
  const taken = takenIn(window, state);
  return verdictIn(limit, window, taken, nowUs, cost, cost > limit - taken ? 'denied' : 'allowed');
}

export function refundInWindow(
  window: Window,
  state: WindowCount | undefined,
  cost: number,
  { atUs = window.startUs }: Taken = {},
): WindowCount | undefined {
  if (state === undefined || takenIn(window, state) === 0 || atUs < window.startUs) return state;
  return state.taken > cost ? { startUs: state.startUs, taken: state.taken - cost } : undefined;
}

export function handOverInWindow(
  limit: number,
  window: Window,
  state: WindowCount | undefined,
  units: number,
  atUs: number,
): WindowCount | undefined {
  const taken = takenIn(window, state);
  const charged = Math.min(units, limit - taken);
  if (charged <= 0 || atUs < window.startUs || atUs >= window.endUs) return state;
  return { startUs: window.startUs, taken: taken + charged };
}

const takenIn = (window: Window, state: WindowCount | undefined): number =>
  state !== undefined && state.startUs >= window.startUs ? state.taken : 0;

function verdictIn(
  limit: number,
  window: Window,
  taken: number,
  nowUs: number,
  cost: number,
  outcome: 'allowed' | 'denied',
): Verdict {
  const endsAfterUs = window.endUs - nowUs;
  const missing = taken === 0 ? 0 : endsAfterUs;
  // Below zero after the limit was lowered under what had been taken.
  const standing = { remaining: Math.max(0, limit - taken), refillAfterUs: missing, resetAfterUs: missing };
  return verdictOf(outcome, limit, cost, standing, () => endsAfterUs);
}
