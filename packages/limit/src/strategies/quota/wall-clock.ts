/** What the clocks of a time zone show at a moment: both in milliseconds, the answer as if it were UTC. */
export type WallClock = (ms: number) => number;

const FIELDS = ['year', 'month', 'day', 'hour', 'minute', 'second'] as const;

/**
 * By Intl, which every supported Node has with full time zone data; Temporal is newer than the oldest of them. Offsets of whole
 * seconds are exact. For moments from 1970 on.
 */
export function wallClock(timeZone: string): WallClock {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (ms) => {
    const shown = new Map(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = FIELDS.map((field) => shown.get(field));
    return Date.UTC(year, month - 1, day, hour, minute, second) + (((ms % 1000) + 1000) % 1000);
  };
}
