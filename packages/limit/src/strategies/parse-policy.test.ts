import { ConfigurationError, type Issue } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import { concurrency } from './concurrency/policy.ts';
import { fixedWindow } from './fixed-window/policy.ts';
import { gcra } from './gcra/policy.ts';
import { parsePolicy } from './parse-policy.ts';
import type { Policy } from './policy.ts';
import { quota } from './quota/policy.ts';
import { slidingLog } from './sliding-log/policy.ts';
import { slidingWindow } from './sliding-window/policy.ts';

function issuesOf(input: unknown): readonly Issue[] {
  try {
    parsePolicy(input);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.issues;
    throw error;
  }
  return [];
}

/** The least that each strategy takes, as a file holds it. */
const good = {
  'token-bucket': { strategy: 'token-bucket', name: 'p', capacity: 10, refill: { tokens: 10, every: '1m' } },
  gcra: { strategy: 'gcra', name: 'p', limit: 10, every: '1m' },
  'fixed-window': { strategy: 'fixed-window', name: 'p', limit: 10, window: '1m' },
  'sliding-window': { strategy: 'sliding-window', name: 'p', limit: 10, window: '1m' },
  'sliding-log': { strategy: 'sliding-log', name: 'p', limit: 10, window: '1m' },
  quota: { strategy: 'quota', name: 'p', limit: 10, per: 'day' },
  concurrency: { strategy: 'concurrency', name: 'p', limit: 10, lease: '30s' },
} as const;

const made: readonly Policy[] = [
  tokenBucket({ name: 'p', capacity: 10, refill: { tokens: 10, every: '1m' } }),
  gcra({ name: 'p', limit: 10, every: '1m' }),
  fixedWindow({ name: 'p', limit: 10, window: '1m' }),
  slidingWindow({ name: 'p', limit: 10, window: '1m' }),
  slidingLog({ name: 'p', limit: 10, window: '1m' }),
  quota({ name: 'p', limit: 10, per: 'day' }),
  concurrency({ name: 'p', limit: 10, lease: '30s' }),
];

describe('a policy of any strategy', () => {
  test.each(made)('is made in code, from a file, and from itself: $strategy', (policy) => {
    expect(parsePolicy(good[policy.strategy as keyof typeof good])).toEqual(policy);
    expect(parsePolicy(policy)).toEqual(policy);
    expect(parsePolicy(JSON.parse(JSON.stringify(policy)))).toEqual(policy);
    expect(policy).toMatchObject({ name: 'p', capacity: 10 });
    expect(Object.isFrozen(policy)).toBe(true);
  });

  test('has the defaults that are written down', () => {
    expect(parsePolicy(good.gcra)).toMatchObject({ burst: 9 });
    expect(gcra({ name: 'p', limit: 10, every: '1m', burst: 'strict' })).toMatchObject({ burst: 0, capacity: 1 });
    expect(parsePolicy(good['fixed-window'])).toMatchObject({ align: 'clock' });
    expect(parsePolicy(good['sliding-window'])).toMatchObject({ subWindows: 10, subUs: 6_000_000 });
    expect(parsePolicy(good.quota)).toMatchObject({ timeZone: 'UTC' });
    expect(parsePolicy({ ...good.quota, per: 'week' })).toMatchObject({ weekStart: 'monday' });
  });

  test.each(Object.values(good).slice(1))('names everything that is wrong at once: $strategy', (policy) => {
    const wrong = { ...policy, name: 'a b', limit: 0, max: 5 };
    expect(issuesOf(wrong).map(({ path }) => path)).toEqual(['name', 'limit', 'max']);
  });

  test.each(Object.values(good).slice(1))('refuses a limit that is no whole number from 1 on: $strategy', (policy) => {
    for (const limit of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '10', null, undefined, 10n]) {
      expect(issuesOf({ ...policy, limit }), String(limit)).toMatchObject([{ path: 'limit' }]);
    }
    const [issue] = issuesOf({ ...policy, limit: '10' });
    expect(issue?.message).toMatch(/^must be an integer from 1 to 10+, got "10"$/);
  });

  test.each([
    ['gcra', 'every'],
    ['fixed-window', 'window'],
    ['sliding-window', 'window'],
    ['sliding-log', 'window'],
    ['concurrency', 'lease'],
  ] as const)('refuses a time that is none, 0, or longer than 27 years: %s', (strategy, path) => {
    for (const time of ['0s', '0.2ms', '10001d', '1000000000000d', '1 minute', '-1s', '', 60, Number.NaN, null]) {
      expect(issuesOf({ ...good[strategy], [path]: time }), String(time)).toMatchObject([{ path }]);
    }
    expect(issuesOf({ ...good[strategy], [path]: '0s' })[0]?.message).toBe(
      'must be a duration from "1ms" to "10000d" (27 years), e.g. "1m", got "0s"',
    );
    expect(issuesOf({ ...good[strategy], limit: 1, [path]: '10000d' })).toEqual([]);
    expect(issuesOf({ ...good[strategy], limit: 1, [path]: '1ms' })).toEqual([]);
  });

  test.each([
    ['a strategy that there is not', { ...good.gcra, strategy: 'leaky' }, 'strategy', '"sliding-window"'],
    ['a strategy from the prototype', { ...good.gcra, strategy: 'constructor' }, 'strategy', 'got "constructor"'],
    ['no strategy', { name: 'p' }, 'strategy', 'got undefined'],
    ['no object', null, '', 'got null'],
    ['a list', [good.gcra], '', 'must be an object'],
    ['a negative burst', { ...good.gcra, burst: -1 }, 'burst', 'from 0 to'],
    ['half a burst', { ...good.gcra, burst: 0.5 }, 'burst', 'got 0.5'],
    ['a burst in other words', { ...good.gcra, burst: 'none' }, 'burst', 'got "none"'],
    ['a rate that does not count exactly', { ...good.gcra, limit: 999_983, burst: 1e11 }, 'limit', 'rounder numbers'],
    ['an alignment that there is not', { ...good['fixed-window'], align: 'day' }, 'align', '"clock", "first-hit"'],
    ['no sub-windows', { ...good['sliding-window'], subWindows: 0 }, 'subWindows', 'from 1 to 100, got 0'],
    ['too many sub-windows', { ...good['sliding-window'], subWindows: 101 }, 'subWindows', 'from 1 to 100, got 101'],
    ['a log that is too long', { ...good['sliding-log'], limit: 10_001 }, 'limit', 'from 1 to 10000, got 10001'],
    ['too many slots', { ...good.concurrency, limit: 10_001 }, 'limit', 'from 1 to 10000, got 10001'],
    ['a period that there is not', { ...good.quota, per: 'year' }, 'per', '"day", "week", "month"'],
    ['an unknown time zone', { ...good.quota, timeZone: 'Mars/Olympus' }, 'timeZone', 'got "Mars/Olympus"'],
    ['an empty time zone', { ...good.quota, timeZone: '' }, 'timeZone', 'e.g. "Europe/Berlin"'],
    ['a time zone that is no text', { ...good.quota, timeZone: 2 }, 'timeZone', 'got 2'],
    ['a day that there is not', { ...good.quota, per: 'week', weekStart: 'mon' }, 'weekStart', '"sunday", "monday"'],
    ['a week of a month', { ...good.quota, per: 'month', weekStart: 'sunday' }, 'weekStart', 'remove it'],
    ["another strategy's field", { ...good.quota, window: '1d' }, 'window', 'not a field of a "quota" policy'],
    ['a capacity beside the limit', { ...good['sliding-log'], capacity: 20 }, 'capacity', 'not a field'],
    ['a derived value that is not so', { ...good['fixed-window'], windowUs: 1 }, 'windowUs', 'remove it'],
    ['a name for a header to escape', { ...good.quota, name: 'a"b' }, 'name', 'got "a\\"b"'],
    ['a name of 65 letters', { ...good.quota, name: 'a'.repeat(65) }, 'name', '1 to 64 letters'],
  ])('refuses %s', (_, input, path, message) => {
    expect(issuesOf(input)).toEqual([{ path, message: expect.stringContaining(message) }]);
  });
});
