export interface BusiestMinute {
  readonly atMs: number;
  readonly count: number;
}

const MINUTE_MS = 60_000;
/** Minutes this far behind the newest one are counted to their end: no log is that far out of order. */
const DAY_MINUTES = 1440;

/** Finds the minute with the most, the first of equals, and keeps no more than two days of minutes for it. */
export function createBusiestMinute() {
  const counts = new Map<number, number>();
  let newest = -Infinity;
  let best: { minute: number; count: number } | undefined;
  const compare = (minute: number, count: number) => {
    if (best === undefined || count > best.count || (count === best.count && minute < best.minute)) {
      best = { minute, count };
    }
  };
  return {
    add(atMs: number): void {
      const minute = Math.floor(atMs / MINUTE_MS);
      counts.set(minute, (counts.get(minute) ?? 0) + 1);
      newest = Math.max(newest, minute);
      if (counts.size <= 2 * DAY_MINUTES) return;
      for (const [each, count] of counts) {
        if (each > newest - DAY_MINUTES) continue;
        compare(each, count);
        counts.delete(each);
      }
    },
    found(): BusiestMinute | undefined {
      for (const [minute, count] of counts) compare(minute, count);
      return best === undefined ? undefined : { atMs: best.minute * MINUTE_MS, count: best.count };
    },
  };
}
