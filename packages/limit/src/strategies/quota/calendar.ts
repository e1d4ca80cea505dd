/**
 * Days, weeks and months of a time zone as windows of real time.
 *
 * A date begins with the first moment at which the zone's clocks show it or a later one; it ends where the next one begins. So
 * windows follow each other without gap or overlap, whatever the clocks do: a day of 23, 24 or 25 hours, one whose midnight was
 * left out (it begins at 01:00), one that begins twice (the first time counts), and one that was left out altogether
 * (Pacific/Apia had no 2011-12-30: it has no window).
 *
 * Pure: the result depends on the arguments and the runtime's time zone data alone. Slow, most of a millisecond; `step.ts` remembers.
 */
import type { Window } from '../window-count.ts';
import { type WallClock, wallClock } from './wall-clock.ts';

export const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

export interface Calendar {
  readonly per: 'day' | 'week' | 'month';
  readonly timeZone: string;
  readonly weekStart?: Weekday;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The window that `nowUs` lies in. */
export function calendarWindow(calendar: Calendar, nowUs: number): Window {
  const wall = wallClock(calendar.timeZone);
  const nowMs = Math.floor(nowUs / 1000);
  let first = firstDay(calendar, wall(nowMs));
  let startMs = startOf(wall, first);
  let next = nextPeriod(calendar, first);
  let endMs = startOf(wall, next);
  // The clocks may show yesterday once more after today has begun.
  while (nowMs >= endMs) {
    [first, startMs] = [next, endMs];
    next = nextPeriod(calendar, first);
    endMs = startOf(wall, next);
  }
  return { startUs: startMs * 1000, endUs: endMs * 1000 };
}

// Dates are the midnights that begin them, as if the wall clock were UTC's.

function firstDay({ per, weekStart = 'monday' }: Calendar, wallMs: number): number {
  const today = wallMs - (((wallMs % DAY_MS) + DAY_MS) % DAY_MS);
  switch (per) {
    case 'day':
      return today;
    case 'week': {
      const since = new Date(today).getUTCDay() - WEEKDAYS.indexOf(weekStart);
      return today - ((since + 7) % 7) * DAY_MS;
    }
    case 'month':
      return today - (new Date(today).getUTCDate() - 1) * DAY_MS;
    default:
      return per satisfies never;
  }
}

function nextPeriod({ per }: Calendar, first: number): number {
  switch (per) {
    case 'day':
      return first + DAY_MS;
    case 'week':
      return first + 7 * DAY_MS;
    case 'month': {
      const date = new Date(first);
      return date.setUTCMonth(date.getUTCMonth() + 1);
    }
    default:
      return per satisfies never;
  }
}

/**
 * The first moment at which the wall clock shows `midnight` or later. Either it passes midnight, which is at midnight less an
 * offset that rules there, or it is put forward over it, which is at the moment of the change.
 */
function startOf(wall: WallClock, midnight: number): number {
  let earliest = Number.POSITIVE_INFINITY;
  let offset = Number.NaN;
  // Offsets go from -12 to +14 hours; none ever ruled for less than an hour.
  for (let ms = midnight - 15 * HOUR_MS; ms <= midnight + 13 * HOUR_MS; ms += HOUR_MS) {
    const before = offset;
    offset = wall(ms) - ms;
    if (offset === before) continue;
    if (wall(midnight - offset) === midnight) earliest = Math.min(earliest, midnight - offset);
    if (offset > before) {
      const changed = changeBetween(wall, ms - HOUR_MS, ms, before);
      if (wall(changed - 1) < midnight && wall(changed) >= midnight) earliest = Math.min(earliest, changed);
    }
  }
  return earliest;
}

/** The first millisecond after `low`, which still has the offset `before`, that has another. */
function changeBetween(wall: WallClock, low: number, high: number, before: number): number {
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (wall(middle) - middle === before) low = middle;
    else high = middle;
  }
  return high;
}
