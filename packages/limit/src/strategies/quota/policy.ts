import { show } from '../../core/parse-token-bucket.ts';
import { LARGEST_COUNT, parseFields } from '../policy-fields.ts';
import { WEEKDAYS, type Weekday } from './calendar.ts';

export type CalendarPeriod = 'day' | 'week' | 'month';

export interface QuotaOptions {
  /** Stands in headers, metrics and keys: letters, digits, `.`, `_` and `-`, at most 64. */
  readonly name: string;
  /** Per period: an integer >= 1. */
  readonly limit: number;
  readonly per: CalendarPeriod;
  /** Whose midnight counts: an IANA name, e.g. `Europe/Berlin`. Default `UTC`. */
  readonly timeZone?: string;
  /** With `per: 'week'`: the day it begins with. Default `monday`. */
  readonly weekStart?: Weekday;
}

/**
 * At most `limit` in each day, week or month of a calendar: from the first moment of its first day in the time zone to the first
 * moment of the next one's, which is 23 or 25 hours where the clocks are changed. Across an edge two periods meet: twice the
 * limit within one period's length.
 */
export interface QuotaPolicy {
  readonly strategy: 'quota';
  readonly name: string;
  readonly limit: number;
  readonly per: CalendarPeriod;
  readonly timeZone: string;
  /** Only with `per: 'week'`. */
  readonly weekStart?: Weekday;
  /** What can be taken at once: `limit`. */
  readonly capacity: number;
}

/** @throws {ConfigurationError} with every field at fault */
export const quota = (options: QuotaOptions): QuotaPolicy => parseQuota({ ...options, strategy: 'quota' });

/** From unknown data, such as a file. @throws {ConfigurationError} with every field at fault */
export const parseQuota = (input: unknown): QuotaPolicy =>
  parseFields(input, 'quota', ['limit', 'per', 'timeZone', 'weekStart'], (fields) => {
    const limit = fields.count('limit', 1, LARGEST_COUNT);
    const per = fields.choice('per', ['day', 'week', 'month']);
    const { timeZone = 'UTC', weekStart } = fields.input;
    if (!isTimeZone(timeZone)) {
      const message = `must be an IANA time zone that this runtime knows, e.g. "Europe/Berlin" or "UTC", got ${show(timeZone)}`;
      fields.issues.push({ path: 'timeZone', message });
    }
    if (per !== 'week' && weekStart !== undefined) {
      const message = `is only for "per": "week"; remove it, got ${show(weekStart)} with ${show(fields.input.per)}`;
      fields.issues.push({ path: 'weekStart', message });
    }
    return {
      strategy: 'quota',
      name: fields.name,
      limit,
      per,
      timeZone: String(timeZone),
      ...(per === 'week' ? { weekStart: fields.choice('weekStart', WEEKDAYS, 'monday') } : {}),
      capacity: limit,
    };
  });

function isTimeZone(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: value });
    return true;
  } catch {
    return false;
  }
}
