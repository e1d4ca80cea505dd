/**
 * Sliding window log: every take with its moment. Exact: a unit taken at s counts while `t < s + window`. O(entries), and since
 * every entry holds at least one unit and all of them together at most `limit`, there are never more than `limit` entries.
 */
import type { Verdict } from '../../core/decision.ts';
import { judgeHoldings } from '../holdings.ts';
import type { Strategy } from '../strategy.ts';
import type { SlidingLogPolicy } from './policy.ts';

export interface LogEntry {
  readonly atUs: number;
  readonly units: number;
}

export interface SlidingLogState {
  /** Oldest first, one per moment. Not empty. */
  readonly entries: readonly LogEntry[];
}

export const slidingLogStrategy: Strategy<SlidingLogPolicy, SlidingLogState> = {
  take(policy, state, nowUs, cost) {
    const atUs = momentOf(state, nowUs);
    const entries = liveAt(policy, state, atUs);
    if (cost > policy.limit - unitsOf(entries)) {
      return { verdict: judge(policy, entries, nowUs, cost, 'denied'), state };
    }
    const last = entries.at(-1);
    if (last?.atUs === atUs) entries[entries.length - 1] = { atUs, units: last.units + cost };
    else entries.push({ atUs, units: cost });
    return { verdict: judge(policy, entries, nowUs, cost, 'allowed'), state: { entries } };
  },
  peek(policy, state, nowUs, cost) {
    const entries = liveAt(policy, state, momentOf(state, nowUs));
    const fits = cost <= policy.limit - unitsOf(entries);
    return judge(policy, entries, nowUs, cost, fits ? 'allowed' : 'denied');
  },
  /** From the take's own entry; what is not there any more, from those before it. */
  refund(policy, state, nowUs, cost, { atUs } = {}) {
    const entries = liveAt(policy, state, momentOf(state, nowUs));
    let left = cost;
    const kept: LogEntry[] = [];
    for (const entry of entries.toReversed()) {
      const back = atUs !== undefined && entry.atUs > atUs ? 0 : Math.min(entry.units, left);
      left -= back;
      if (entry.units > back) kept.push({ atUs: entry.atUs, units: entry.units - back });
    }
    if (left === cost) return state;
    return kept.length === 0 ? undefined : { entries: kept.reverse() };
  },
  expiresAtUs: ({ windowUs }, { entries }) => (entries.at(-1)?.atUs ?? 0) + windowUs,
  spanUs: ({ windowUs }) => windowUs,
};

// A clock that went back stays at the newest entry: the log keeps its order, and nothing leaves it later than it would have.
const momentOf = (state: SlidingLogState | undefined, nowUs: number): number =>
  Math.max(nowUs, state?.entries.at(-1)?.atUs ?? 0);

/** A copy. */
function liveAt({ windowUs }: SlidingLogPolicy, state: SlidingLogState | undefined, atUs: number): LogEntry[] {
  if (state === undefined) return [];
  const first = state.entries.findIndex((entry) => atUs < entry.atUs + windowUs);
  return first === -1 ? [] : state.entries.slice(first);
}

const unitsOf = (entries: readonly LogEntry[]): number => entries.reduce((total, { units }) => total + units, 0);

const judge = (
  { limit, windowUs }: SlidingLogPolicy,
  entries: readonly LogEntry[],
  nowUs: number,
  cost: number,
  outcome: 'allowed' | 'denied',
): Verdict =>
  judgeHoldings(
    limit,
    {
      length: entries.length,
      untilUs: (at) => (entries[at]?.atUs ?? 0) + windowUs,
      units: (at) => entries[at]?.units ?? 0,
    },
    nowUs,
    cost,
    outcome,
  );
