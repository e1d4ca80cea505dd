import type { Issue } from '@spillway/kernel';
import { DAY_MS, HOUR_MS } from './roll-up.ts';

export type StatsInterval = 'hour' | 'day';

/** A span of time in milliseconds since the epoch, `fromMs` in it and `toMs` not, and how finely its series is cut (UTC). */
export interface StatsRange {
  readonly fromMs: number;
  readonly toMs: number;
  readonly interval: StatsInterval;
}

/** The most points of a series: more than a year of hours. */
export const MAX_POINTS = 10_000;
const DEFAULT_SPAN_MS = 30 * DAY_MS;
/** Up to this span, the series is cut by hour unless asked otherwise. */
const HOURLY_SPAN_MS = 7 * DAY_MS;
/** Where the years of RFC 3339 end. */
const LAST_MS = Date.UTC(10_000, 0);

export const intervalMs = (interval: StatsInterval): number => (interval === 'hour' ? HOUR_MS : DAY_MS);

/**
 * The range that a question means. Unless given, it ends with the current hour or day and is 30 days long; up to a week is
 * shown by hour, longer by day.
 */
export function toStatsRange(
  asked: {
    readonly from?: number | undefined;
    readonly to?: number | undefined;
    readonly interval?: StatsInterval | undefined;
  },
  nowMs: number,
): { readonly range: StatsRange } | { readonly issues: readonly Issue[] } {
  const step = intervalMs(asked.interval ?? 'day');
  const toMs = asked.to ?? Math.max((Math.floor(nowMs / step) + 1) * step, (asked.from ?? 0) + 1);
  const fromMs = asked.from ?? Math.floor((toMs - DEFAULT_SPAN_MS) / step) * step;
  const interval = asked.interval ?? (toMs - fromMs <= HOURLY_SPAN_MS ? 'hour' : 'day');
  const issues: Issue[] = [];
  for (const [path, atMs] of [
    ['from', fromMs],
    ['to', toMs],
  ] as const) {
    if (atMs >= 0 && atMs < LAST_MS) continue;
    issues.push({ path, message: `must be a time from 1970 to 9999, got ${new Date(atMs).toISOString()}` });
  }
  if (issues.length > 0) return { issues };
  if (fromMs >= toMs) {
    const [from, to] = [new Date(fromMs).toISOString(), new Date(toMs).toISOString()];
    return { issues: [{ path: 'from', message: `must be before "to" (${to}), got ${from}` }] };
  }
  const range = { fromMs, toMs, interval };
  const points = bucketsOf(range).count;
  if (points > MAX_POINTS) {
    const remedy = interval === 'hour' ? 'ask for interval=day or a shorter span' : 'ask for a shorter span';
    return { issues: [{ path: 'from', message: `spans ${points} points, more than ${MAX_POINTS}; ${remedy}` }] };
  }
  return { range };
}

/** The first bucket of a range, as a count of intervals since the epoch, and how many there are. */
export function bucketsOf({ fromMs, toMs, interval }: StatsRange): { readonly first: number; readonly count: number } {
  const step = intervalMs(interval);
  const first = Math.floor(fromMs / step);
  return { first, count: Math.ceil(toMs / step) - first };
}
