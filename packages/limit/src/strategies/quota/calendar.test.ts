import { describe, expect, test } from 'vitest';
import { type Calendar, calendarWindow } from './calendar.ts';

const us = (iso: string): number => Date.parse(iso) * 1000;
const iso = (atUs: number): string => new Date(atUs / 1000).toISOString().replace('.000Z', 'Z');
const windowAt = (calendar: Calendar, at: string): readonly string[] => {
  const { startUs, endUs } = calendarWindow(calendar, us(at));
  return [iso(startUs), iso(endUs)];
};
const hoursOf = (calendar: Calendar, at: string): number => {
  const { startUs, endUs } = calendarWindow(calendar, us(at));
  return (endUs - startUs) / 3600e6;
};
const days = (timeZone: string): Calendar => ({ per: 'day', timeZone });

describe('a day', () => {
  test.each([
    ['UTC', '2026-03-29T12:00:00Z', 24],
    ['Europe/Berlin', '2026-03-29T12:00:00Z', 23],
    ['Europe/Berlin', '2026-10-25T12:00:00Z', 25],
    ['America/New_York', '2026-03-08T12:00:00Z', 23],
    ['America/New_York', '2026-11-01T12:00:00Z', 25],
    ['Australia/Lord_Howe', '2026-10-03T20:00:00Z', 23.5],
    ['Australia/Lord_Howe', '2026-04-04T20:00:00Z', 24.5],
    ['Antarctica/Troll', '2026-03-29T12:00:00Z', 22],
  ])('in %s has as many hours as its clocks make: %s, %d h', (timeZone, at, hours) => {
    expect(hoursOf(days(timeZone), at)).toBe(hours);
  });

  test.each([
    ['Asia/Kolkata', '2026-01-15T20:00:00Z', '2026-01-15T18:30:00Z', '2026-01-16T18:30:00Z'],
    ['Asia/Kathmandu', '2026-01-15T18:14:59Z', '2026-01-14T18:15:00Z', '2026-01-15T18:15:00Z'],
    ['Pacific/Chatham', '2026-07-01T12:00:00Z', '2026-07-01T11:15:00Z', '2026-07-02T11:15:00Z'],
    ['Pacific/Kiritimati', '2026-01-15T10:00:00Z', '2026-01-15T10:00:00Z', '2026-01-16T10:00:00Z'],
    ['+05:30', '2026-01-15T20:00:00Z', '2026-01-15T18:30:00Z', '2026-01-16T18:30:00Z'],
  ])('in %s begins at its own midnight', (timeZone, at, start, end) => {
    expect(windowAt(days(timeZone), at)).toEqual([start, end]);
  });

  test('whose midnight was left out begins at 01:00', () => {
    expect(windowAt(days('America/Sao_Paulo'), '2018-11-04T12:00:00Z')).toEqual([
      '2018-11-04T03:00:00Z',
      '2018-11-05T02:00:00Z',
    ]);
  });

  test('that was left out has no window: Apia went from the 29th to the 31st of December 2011', () => {
    const apia = days('Pacific/Apia');
    expect(windowAt(apia, '2011-12-30T09:59:59Z')).toEqual(['2011-12-29T10:00:00Z', '2011-12-30T10:00:00Z']);
    expect(windowAt(apia, '2011-12-30T10:00:00Z')).toEqual(['2011-12-30T10:00:00Z', '2011-12-31T10:00:00Z']);
    expect(hoursOf({ per: 'month', timeZone: 'Pacific/Apia' }, '2011-12-15T00:00:00Z')).toBe(30 * 24);
    expect(hoursOf({ per: 'week', timeZone: 'Pacific/Apia' }, '2011-12-30T12:00:00Z')).toBe(6 * 24);
  });

  test('that begins twice begins the first time: St John’s clocks went back at 00:01', () => {
    const stJohns = days('America/St_Johns');
    const twice = ['2010-11-07T02:30:00Z', '2010-11-08T03:30:00Z'];
    expect(windowAt(stJohns, '2010-11-07T02:30:30Z')).toEqual(twice);
    // The clocks show 23:30 of the 6th once more.
    expect(windowAt(stJohns, '2010-11-07T03:00:00Z')).toEqual(twice);
    expect(windowAt(stJohns, '2010-11-07T03:30:00Z')).toEqual(twice);
  });
});

describe('a month and a week', () => {
  test.each([
    ['UTC', '2024-02-10T00:00:00Z', 29],
    ['UTC', '2100-02-10T00:00:00Z', 28],
    ['UTC', '2026-12-31T23:59:59Z', 31],
    ['Europe/Berlin', '2026-03-10T00:00:00Z', 31 - 1 / 24],
    ['Europe/Berlin', '2026-10-10T00:00:00Z', 31 + 1 / 24],
  ])('a month has its own length: %s, %s, %d days', (timeZone, at, length) => {
    expect(hoursOf({ per: 'month', timeZone }, at)).toBeCloseTo(length * 24, 9);
  });

  test('a month crosses the year', () => {
    expect(windowAt({ per: 'month', timeZone: 'Europe/Berlin' }, '2026-12-31T22:59:59Z')).toEqual([
      '2026-11-30T23:00:00Z',
      '2026-12-31T23:00:00Z',
    ]);
  });

  test.each([
    ['monday', '2026-03-23T05:00:00Z'],
    ['sunday', '2026-03-22T05:00:00Z'],
    ['saturday', '2026-03-28T05:00:00Z'],
    ['friday', '2026-03-27T05:00:00Z'],
  ] as const)('a week begins on its %s', (weekStart, start) => {
    expect(windowAt({ per: 'week', timeZone: 'America/Lima', weekStart }, '2026-03-28T12:00:00Z')[0]).toBe(start);
  });

  test('a week with a change of the clocks is an hour shorter', () => {
    expect(hoursOf({ per: 'week', timeZone: 'Europe/Berlin' }, '2026-03-25T00:00:00Z')).toBe(167);
  });
});
