import { describe, expect, test } from 'vitest';
import { quota } from './policy.ts';
import { quotaStrategy, quotaWindow } from './step.ts';

const { take, peek, refund, expiresAtUs, spanUs } = quotaStrategy;
const HOUR = 3600e6;
const us = (iso: string): number => Date.parse(iso) * 1000;
const daily = quota({ name: 'p', limit: 100, per: 'day', timeZone: 'Europe/Berlin' });

describe('a calendar quota', () => {
  test('is there again at midnight in its time zone, 23 hours later when the clocks go forward', () => {
    const midnight = us('2026-03-28T23:00:00Z');
    const { verdict, state } = take(daily, undefined, midnight, 100);
    expect(verdict).toEqual({ outcome: 'allowed', remaining: 0, refillAfterUs: 23 * HOUR, resetAfterUs: 23 * HOUR });
    expect(take(daily, state, midnight + 23 * HOUR - 1, 1).verdict).toMatchObject({ retryAfterUs: 1 });
    expect(take(daily, state, midnight + 23 * HOUR, 100).verdict.outcome).toBe('allowed');
    expect(take(daily, undefined, us('2026-10-24T22:00:00Z'), 1).verdict.resetAfterUs).toBe(25 * HOUR);
  });

  test('stays in its day when the clock goes back behind midnight', () => {
    const midnight = us('2026-01-14T23:00:00Z');
    const { state } = take(daily, undefined, midnight + 5, 100);
    expect(peek(daily, state, midnight - 1, 1)).toMatchObject({ outcome: 'denied', retryAfterUs: 24 * HOUR + 1 });
  });

  test('a refund goes to the day of its take, or nowhere', () => {
    const noon = us('2026-01-15T11:00:00Z');
    const { state } = take(daily, undefined, noon, 10);
    expect(refund(daily, state, noon, 4, { atUs: noon - HOUR })).toMatchObject({ taken: 6 });
    expect(refund(daily, state, noon, 4, { atUs: noon - 13 * HOUR })).toBe(state);
    expect(refund(daily, state, noon + 24 * HOUR, 4)).toBe(state);
  });

  test('goes on counting after its time zone was changed', () => {
    const evening = us('2026-01-15T22:30:00Z');
    const { state } = take(daily, undefined, evening, 100);
    const moved = quota({ ...daily, timeZone: 'America/New_York' });
    // Berlin's day began at 18:00 of the day before in New York: that day's quota is used up, and no other one.
    expect(peek(moved, state, us('2026-01-15T04:00:00Z'), 1)).toMatchObject({ outcome: 'denied' });
    expect(peek(moved, state, evening, 1)).toMatchObject({ outcome: 'allowed' });
    const monthly = quota({ name: 'p', limit: 110, per: 'month', timeZone: 'Europe/Berlin' });
    expect(peek(monthly, state, us('2026-01-31T22:59:59Z'), 11)).toMatchObject({ outcome: 'denied', remaining: 10 });
  });

  test('a state ends with its period, and the windows around a moment can be told', () => {
    const now = us('2026-01-15T12:00:00Z');
    const { state } = take(daily, undefined, now, 1);
    const window = quotaWindow(daily, now);
    if (state !== undefined) expect(expiresAtUs(daily, state)).toBe(window.endUs);
    expect(quotaWindow(daily, window.startUs - 1).endUs).toBe(window.startUs);
    expect(quotaWindow(daily, window.endUs).startUs).toBe(window.endUs);
    expect(quotaWindow(daily, now)).toEqual(window);
  });

  test('spans a day, a week or a month of 31 days in headers', () => {
    const { timeZone } = daily;
    const spans = (['day', 'week', 'month'] as const).map((per) =>
      spanUs(quota({ name: 'p', limit: 1, per, timeZone })),
    );
    expect(spans).toEqual([24 * HOUR, 7 * 24 * HOUR, 31 * 24 * HOUR]);
  });
});
