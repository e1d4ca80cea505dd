/**
 * Sliding window counter with n sub-windows.
 *
 * Sub-window k is `[k * s, (k + 1) * s)` with `s = subUs`, `n * s >= window`. In sub-window k what was taken in k - n .. k counts:
 * the current one, the n - 1 that are wholly inside the window, and the whole of the oldest, of which a part has already left.
 *
 * Never too many: a unit taken in j leaves with the start of j + n + 1, which is more than n * s after it was taken. So at each
 * take everything of the last `window` is counted, and the sum is held to the limit.
 * Too few: the same unit leaves at most (n + 1) * s after it was taken, so a refusal means that the limit is used up over the last
 * `window + window / n`. A key that is always busy gets exactly `limit` in n + 1 sub-windows: n / (n + 1) of the limit per
 * window, short by limit / (n + 1).
 * The usual weighting of the oldest sub-window by the part of it that is still inside would be wrong by up to the whole limit
 * when its takes came in one burst, whatever n is.
 *
 * O(n), n + 1 counters.
 */
import type { Verdict } from '../../core/decision.ts';
import { type Holdings, judgeHoldings } from '../holdings.ts';
import type { Strategy } from '../strategy.ts';
import type { SlidingWindowPolicy } from './policy.ts';

export interface SlidingWindowState {
  /** The length that `newest` counts in. */
  readonly subUs: number;
  /** Index of the newest sub-window with a take in it: it began at `newest * subUs`. */
  readonly newest: number;
  /** Of `newest`, of the one before, and so on; neither the first nor the last is 0, and never more than n + 1. */
  readonly counts: readonly number[];
}

/** Sub-windows that count now, the current one first. */
interface Ring {
  readonly current: number;
  readonly counts: readonly number[];
}

export const slidingWindowStrategy: Strategy<SlidingWindowPolicy, SlidingWindowState> = {
  take(policy, state, nowUs, cost) {
    const { current, counts } = ringAt(policy, state, nowUs);
    if (cost > policy.limit - sum(counts)) {
      return { verdict: judge(policy, { current, counts }, nowUs, cost, 'denied'), state };
    }
    const [first = 0, ...rest] = counts;
    const after = { current, counts: [first + cost, ...rest] };
    return { verdict: judge(policy, after, nowUs, cost, 'allowed'), state: toState(policy, after) };
  },
  peek(policy, state, nowUs, cost) {
    const ring = ringAt(policy, state, nowUs);
    return judge(policy, ring, nowUs, cost, cost > policy.limit - sum(ring.counts) ? 'denied' : 'allowed');
  },
  /** From the sub-window of the take; what is not there any more, from those before it. */
  refund(policy, state, nowUs, cost, { atUs } = {}) {
    const { current, counts } = ringAt(policy, state, nowUs);
    const newest = atUs === undefined ? current : Math.floor(atUs / policy.subUs);
    let left = cost;
    const after = counts.map((count, at) => {
      const back = current - at > newest ? 0 : Math.min(count, left);
      left -= back;
      return count - back;
    });
    return left === cost ? state : toState(policy, { current, counts: after });
  },
  expiresAtUs(policy, state) {
    const { current } = rebased(policy, state);
    return (current + policy.subWindows + 1) * policy.subUs;
  },
  spanUs: ({ subUs, subWindows }) => subUs * subWindows,
  /** Its sub-windows are the windows: what is taken in one leaves with it, however late it is spent. */
  leasing: {
    windowLeftUs: (policy, state, nowUs) => (ringAt(policy, state, nowUs).current + 1) * policy.subUs - nowUs,
    countsForUs: ({ subUs, subWindows }, nowUs) => (Math.floor(nowUs / subUs) + subWindows + 1) * subUs - nowUs,
    /** To the sub-window in which they were used, while that counts. */
    handOver(policy, state, nowUs, units, atUs) {
      const { current, counts } = ringAt(policy, state, nowUs);
      const charged = Math.min(units, policy.limit - sum(counts));
      const age = current - Math.floor(atUs / policy.subUs);
      if (charged <= 0 || age < 0 || age > policy.subWindows) return state;
      const length = Math.max(counts.length, age + 1);
      const after = Array.from({ length }, (_, at) => (counts[at] ?? 0) + (at === age ? charged : 0));
      return toState(policy, { current, counts: after });
    },
  },
};

/** A clock that went back stays in the newest sub-window, so that counters never lie ahead of the current one. */
function ringAt(policy: SlidingWindowPolicy, state: SlidingWindowState | undefined, nowUs: number): Ring {
  const now = Math.floor(nowUs / policy.subUs);
  if (state === undefined) return { current: now, counts: [] };
  const known = rebased(policy, state);
  const current = Math.max(now, known.current);
  const passed = current - known.current;
  if (passed > policy.subWindows) return { current, counts: [] };
  const counts = [...new Array<number>(passed).fill(0), ...known.counts].slice(0, policy.subWindows + 1);
  return { current, counts: counts.slice(0, counts.findLastIndex((count) => count > 0) + 1) };
}

// Written under another window: all of it counts from the start of its newest sub-window.
function rebased({ subUs }: SlidingWindowPolicy, state: SlidingWindowState): Ring {
  if (state.subUs === subUs) return { current: state.newest, counts: state.counts };
  return { current: Math.floor((state.newest * state.subUs) / subUs), counts: [sum(state.counts)] };
}

function toState({ subUs }: SlidingWindowPolicy, { current, counts }: Ring): SlidingWindowState | undefined {
  const newest = counts.findIndex((count) => count > 0);
  if (newest === -1) return undefined;
  const oldest = counts.findLastIndex((count) => count > 0);
  return { subUs, newest: current - newest, counts: counts.slice(newest, oldest + 1) };
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

function judge(
  { limit, subUs, subWindows }: SlidingWindowPolicy,
  { current, counts }: Ring,
  nowUs: number,
  cost: number,
  outcome: 'allowed' | 'denied',
): Verdict {
  const oldest = counts.length - 1;
  const newest = counts.findIndex((count) => count > 0);
  const holdings: Holdings = {
    length: newest === -1 ? 0 : counts.length - newest,
    untilUs: (at) => (current - oldest + at + subWindows + 1) * subUs,
    units: (at) => counts[oldest - at] ?? 0,
  };
  return judgeHoldings(limit, holdings, nowUs, cost, outcome);
}
