import { expect, test } from 'vitest';
import { formatCursor, parseCursor } from './raw-clicks.ts';
import { readTime } from './schemas.ts';
import { bucketsOf, toStatsRange } from './stats-range.ts';

const nowMs = Date.UTC(2026, 5, 15, 12, 34, 56);

test('unless told otherwise the range is the 30 days that end with today', () => {
  expect(toStatsRange({}, nowMs)).toEqual({
    range: { fromMs: Date.UTC(2026, 4, 17), toMs: Date.UTC(2026, 5, 16), interval: 'day' },
  });
});

test('up to a week is cut by hour, longer by day', () => {
  const span = (days: number) => toStatsRange({ from: nowMs - days * 86_400_000, to: nowMs }, nowMs);
  expect(span(7)).toMatchObject({ range: { interval: 'hour' } });
  expect(span(8)).toMatchObject({ range: { interval: 'day' } });
});

test('a range that is empty, turned round or too fine is refused with its remedy', () => {
  const issue = (asked: Parameters<typeof toStatsRange>[0]) => {
    const result = toStatsRange(asked, nowMs);
    return 'issues' in result ? result.issues.map(({ path, message }) => `${path}: ${message}`).join() : undefined;
  };
  expect(issue({ from: 5, to: 5 })).toMatch(/^from: must be before "to" \(1970-01-01T00:00:00.005Z\), got/);
  expect(issue({ from: 0, to: nowMs, interval: 'hour' })).toMatch(/more than 10000; ask for interval=day/);
  expect(issue({ from: 0, to: Date.UTC(9999, 0) })).toMatch(/more than 10000; ask for a shorter span/);
  expect(issue({ from: Date.UTC(-1, 0) })).toMatch(/^from: must be a time from 1970 to 9999/);
  expect(issue({ from: nowMs + 1e9 })).toBeUndefined();
});

test('the buckets cover a range that cuts hours at both ends', () => {
  const minute = 60_000;
  expect(bucketsOf({ fromMs: 59 * minute, toMs: 121 * minute, interval: 'hour' })).toEqual({ first: 0, count: 3 });
  expect(bucketsOf({ fromMs: 60 * minute, toMs: 120 * minute, interval: 'hour' })).toEqual({ first: 1, count: 1 });
});

test('times are RFC 3339 or dates, and no others', () => {
  expect(readTime('2026-01-31')).toBe(Date.UTC(2026, 0, 31));
  expect(readTime('2026-01-31T12:00:00+02:00')).toBe(Date.UTC(2026, 0, 31, 10));
  for (const wrong of [
    '',
    'now',
    '2026-02-31',
    '2026-1-1',
    '2026-01-31T25:00:00Z',
    '2026-01-31T12:00:00',
    '99',
    '+012026-01-01',
  ]) {
    expect(readTime(wrong), wrong).toBeUndefined();
  }
});

test('a cursor is read as it was written, and anything else is none', () => {
  const cursor = { atMs: 1_700_000_000_123, id: 42 };
  expect(parseCursor(formatCursor(cursor))).toEqual(cursor);
  const right = formatCursor(cursor);
  const around = [
    `${right}!!!`,
    `!${right}`,
    `${right}\0`,
    `${right.slice(0, 4)} ${right.slice(4)}`,
    `${right}A`,
    `${right}=`,
  ];
  for (const wrong of [
    ...around,
    '',
    'x',
    'MTIz',
    Buffer.from('1.2; DROP TABLE clicks').toString('base64url'),
    '%00',
  ]) {
    expect(parseCursor(wrong), wrong).toBeUndefined();
  }
});
