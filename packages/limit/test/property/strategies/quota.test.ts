import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { calendarWindow, WEEKDAYS } from '../../../src/strategies/quota/calendar.ts';
import { type QuotaPolicy, quota } from '../../../src/strategies/quota/policy.ts';
import { quotaStrategy } from '../../../src/strategies/quota/step.ts';
import { runs } from '../arbitraries.ts';
import { strategyProperties } from './strategy-properties.ts';
import { type Admission, scenarios, unitsSince, walk } from './walk.ts';

/** The part of Temporal that judges here: an implementation of calendars that shares nothing with ours. */
interface ZonedDay {
  readonly dayOfWeek: number;
  readonly epochMilliseconds: number;
  with(fields: { day: number }): ZonedDay;
  subtract(span: { days: number }): ZonedDay;
  startOfDay(): ZonedDay;
}
interface TemporalLike {
  readonly Instant: { fromEpochMilliseconds(ms: number): { toZonedDateTimeISO(zone: string): ZonedDay } };
}
const { Temporal } = globalThis as unknown as { Temporal: TemporalLike };

const DAY_US = 86_400e6;

/** Whole hours, halves and quarters, changes at midnight and after it, half-hour changes, skipped days and seconds. */
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'America/Sao_Paulo',
  'America/Havana',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'Asia/Beirut',
  'Africa/Cairo',
  'Africa/Monrovia',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'Pacific/Apia',
  'Pacific/Kwajalein',
  'Pacific/Kiritimati',
  'Antarctica/Troll',
  '+05:30',
];
/** Its clocks went back from 00:01, so that two dates took turns; Temporal gives the second start. */
const zonesWithTurns = [...zones, 'America/St_Johns'];

const calendars = (timeZones: readonly string[]) =>
  fc.record({
    per: fc.constantFrom('day', 'week', 'month'),
    timeZone: fc.constantFrom(...timeZones),
    weekStart: fc.constantFrom(...WEEKDAYS),
  });

/** 1970 to 2037, and often close to a change of the clocks or of the date. */
const moments = fc.oneof(
  fc.integer({ min: 2 * 86_400, max: 2_145_000_000 }).map((seconds) => seconds * 1e6),
  fc
    .tuple(
      fc.constantFrom('2011-12-30', '2025-03-30', '2025-10-26', '2018-11-04', '2010-11-07', '1993-08-21', '1995-01-01'),
      fc.integer({ min: -2 * 86_400, max: 2 * 86_400 }),
    )
    .map(([date, seconds]) => (Date.parse(date) / 1000 + seconds) * 1e6),
);

const policies: fc.Arbitrary<QuotaPolicy> = fc
  .tuple(fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 1e12 })), calendars(zones))
  .map(([limit, { per, timeZone, weekStart }]) =>
    quota({ name: 'p', limit, per, timeZone, ...(per === 'week' ? { weekStart } : {}) }),
  );

const spansOf = ({ per }: QuotaPolicy): readonly number[] => [DAY_US, { day: 1, week: 7, month: 30 }[per] * DAY_US];
const forward = scenarios(policies, spansOf, { startsUs: moments });
// Room to go back in, and to begin a month that began before 1970.
const startsUs = moments.filter((us) => us > 20 * 365 * DAY_US);
const backwards = scenarios(policies, spansOf, { startsUs, clock: 'backwards' });

describe('the calendar quota', () => {
  strategyProperties({
    strategy: quotaStrategy,
    forward,
    backwards,
    // No period is shorter than this: Troll's day of 22 hours, Apia's week of six days, a February.
    bound: ({ limit, per }) => {
      const shortestUs = { day: 22 / 24, week: 6, month: 28 - 1 / 24 }[per] * DAY_US;
      return (us) => limit * (Math.ceil(us / shortestUs) + 1);
    },
    numRuns: 60,
  });

  test('periods follow each other without gap or overlap, in any zone at any time', () => {
    fc.assert(
      fc.property(calendars(zonesWithTurns), moments, (calendar, nowUs) => {
        const window = calendarWindow(calendar, nowUs);
        expect(window.startUs).toBeLessThanOrEqual(nowUs);
        expect(window.endUs).toBeGreaterThan(nowUs);
        expect(calendarWindow(calendar, window.startUs)).toEqual(window);
        expect(calendarWindow(calendar, window.endUs - 1)).toEqual(window);
        expect(calendarWindow(calendar, window.startUs - 1).endUs).toBe(window.startUs);
        expect(calendarWindow(calendar, window.endUs).startUs).toBe(window.endUs);
      }),
      runs(300),
    );
  });

  test('periods begin where Temporal says that their first day does', () => {
    fc.assert(
      fc.property(calendars(zones), moments, (calendar, nowUs) => {
        expect(calendarWindow(calendar, nowUs).startUs).toBe(periodStart(calendar, nowUs));
      }),
      runs(500),
    );
  });

  test('G2: decides like a list of all takes, counted by periods', () => {
    fc.assert(
      fc.property(backwards, (scenario) => {
        const { policy } = scenario;
        const list: Admission[] = [];
        for (const { nowUs, cost, step } of walk(quotaStrategy, scenario)) {
          const atUs = Math.max(nowUs, list.at(-1)?.atUs ?? 0);
          const fits = unitsSince(list, periodStart(policy, atUs)) + cost <= policy.limit;
          expect(step.verdict.outcome).toBe(fits ? 'allowed' : 'denied');
          if (fits) list.push({ atUs, cost });
        }
      }),
      runs(100),
    );
  });
});

function periodStart(
  { per, timeZone, weekStart = 'monday' }: Pick<QuotaPolicy, 'per' | 'timeZone' | 'weekStart'>,
  atUs: number,
): number {
  const day = Temporal.Instant.fromEpochMilliseconds(Math.floor(atUs / 1000)).toZonedDateTimeISO(timeZone);
  const sinceWeekStart = (day.dayOfWeek - WEEKDAYS.indexOf(weekStart) + 7) % 7;
  const first = { day, week: day.subtract({ days: sinceWeekStart }), month: day.with({ day: 1 }) }[per];
  return first.startOfDay().epochMilliseconds * 1000;
}
