import type { LogEntry } from './access-log.ts';

export interface PlainCount {
  readonly clicks: number;
  /** Distinct client addresses. */
  readonly visitors: number;
  /** Per hour, its start in milliseconds. */
  readonly clicksByHour: ReadonlyMap<number, number>;
  /** Most first; equal counts by name. A missing referrer is not listed. */
  readonly referrers: readonly { readonly value: string; readonly clicks: number }[];
}

const HOUR_MS = 3_600_000;

/** What statistics over these lines have to say: counted in the plainest way, as the truth to hold a service against. */
export function plainCount(entries: readonly LogEntry[]): PlainCount {
  const byHour = new Map<number, number>();
  const byReferrer = new Map<string, number>();
  for (const { atMs, referrer } of entries) {
    const hour = Math.floor(atMs / HOUR_MS) * HOUR_MS;
    byHour.set(hour, (byHour.get(hour) ?? 0) + 1);
    if (referrer !== undefined) byReferrer.set(referrer, (byReferrer.get(referrer) ?? 0) + 1);
  }
  const referrers = [...byReferrer].map(([value, clicks]) => ({ value, clicks }));
  return {
    clicks: entries.length,
    visitors: new Set(entries.map((entry) => entry.ip)).size,
    clicksByHour: byHour,
    referrers: referrers.sort((a, b) => b.clicks - a.clicks || (a.value < b.value ? -1 : 1)),
  };
}

/** The lines of each path. */
export function byPath(entries: readonly LogEntry[]): Map<string, LogEntry[]> {
  return Map.groupBy(entries, (entry) => entry.path);
}
