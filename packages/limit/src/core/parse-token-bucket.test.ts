import { ConfigurationError, type Issue } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { parseTokenBucket, tokenBucket } from './parse-token-bucket.ts';

function issuesOf(input: unknown): readonly Issue[] {
  try {
    parseTokenBucket(input);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.issues;
    throw error;
  }
  return [];
}

const good = { strategy: 'token-bucket', name: 'free', capacity: 10, refill: { tokens: 10, every: '1m' } };

describe('parseTokenBucket', () => {
  test('takes plain data as a file holds it, and its own result', () => {
    const policy = parseTokenBucket(JSON.parse(JSON.stringify(good)));
    expect(policy).toEqual(tokenBucket({ name: 'free', capacity: 10, refill: { tokens: 10, every: '1m' } }));
    expect(parseTokenBucket(policy)).toEqual(policy);
  });

  test('names everything that is wrong at once, with the value and what to write instead', () => {
    const wrong = {
      strategy: 'bucket',
      name: 'a b',
      capacity: '100',
      refill: { tokens: 0, every: '1 minute' },
      max: 5,
    };
    const issues = issuesOf(wrong);
    expect(issues.map(({ path }) => path)).toEqual([
      'strategy',
      'name',
      'capacity',
      'refill.tokens',
      'refill.every',
      'max',
    ]);
    expect(issues[2]?.message).toBe('must be an integer from 1 to 1000000000000, got "100"');
    expect(issues[4]?.message).toContain('got "1 minute"');
  });

  test.each([
    ['a fraction of a token', { ...good, capacity: 1.5 }, 'capacity'],
    ['not a number', { ...good, capacity: Number.NaN }, 'capacity'],
    ['endless capacity', { ...good, capacity: Number.POSITIVE_INFINITY }, 'capacity'],
    ['no refill', { ...good, refill: undefined }, 'refill'],
    ['a refill of nothing', { ...good, refill: { tokens: -1, every: '1s' } }, 'refill.tokens'],
    ['a time of zero', { ...good, refill: { tokens: 1, every: '0s' } }, 'refill.every'],
    ['a time below a millisecond', { ...good, refill: { tokens: 1, every: '0.2ms' } }, 'refill.every'],
    ['a bare number for a time', { ...good, refill: { tokens: 1, every: 1000 } }, 'refill.every'],
    ['a name that would need escaping in a header', { ...good, name: 'a"b' }, 'name'],
    ['an empty name', { ...good, name: '' }, 'name'],
    ['a name with a line break', { ...good, name: 'a\n' }, 'name'],
    ['no object', null, ''],
    ['a list', [good], ''],
  ])('refuses %s', (_, input, path) => {
    expect(issuesOf(input).map((issue) => issue.path)).toEqual([path]);
  });

  test('refuses numbers that could not be counted exactly, and takes large ones that can', () => {
    const refill = { tokens: 999_983, every: '30d' };
    expect(issuesOf({ ...good, capacity: 1e12, refill })).toMatchObject([{ path: 'refill' }]);
    expect(issuesOf({ ...good, capacity: 2_000_000, refill })).toEqual([]);
    expect(issuesOf({ ...good, capacity: 1e9, refill: { tokens: 1e9, every: '1d' } })).toEqual([]);
    expect(issuesOf({ ...good, capacity: 1000, refill: { tokens: 1, every: '365d' } })).toMatchObject([
      { path: 'refill' },
    ]);
  });
});
