import { seededRandom } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { checkCountedOnce, checkCounts, checkEqualCounts, checkLoss } from './check-counts.ts';

describe('checkCounts', () => {
  const sound = { accepted: 100, counted: 70, pending: 20, dropped: { 'ring-full': 7, 'spool-full': 3 } };

  test('G6: accepted = counted + pending + dropped breaks nothing', () => {
    expect(checkCounts({ a: sound, b: { accepted: 0, counted: 0, pending: 0, dropped: {} } })).toEqual([]);
  });

  test('G6: any number that is off by one, either way, is found and named', () => {
    for (const field of ['accepted', 'counted', 'pending'] as const) {
      for (const by of [-1, 1]) {
        const violations = checkCounts({ a: sound, b: { ...sound, [field]: sound[field] + by } });
        expect(violations, `${field} ${by}`).toHaveLength(1);
        expect(violations[0]?.message).toMatch(/^b: .*(1 vanished|1 too many)$/);
      }
    }
    expect(checkCounts({ a: { ...sound, dropped: { 'ring-full': 7 } } })).toHaveLength(1);
  });

  test('G6: errors of two producers do not cancel out', () => {
    const more = { ...sound, counted: sound.counted + 1 };
    const less = { ...sound, counted: sound.counted - 1 };
    expect(checkCounts({ more, less })).toHaveLength(2);
  });

  test('G6: what is no count is found', () => {
    expect(checkCounts({ a: { ...sound, pending: -1 } })).toHaveLength(1);
    expect(checkCounts({ a: { ...sound, pending: Number.NaN } })).toHaveLength(1);
  });
});

describe('checkCountedOnce', () => {
  const names = Array.from({ length: 500 }, (_, i) => `producer/${i}`);

  test('G6: all counted once, or some not yet, breaks nothing', () => {
    expect(checkCountedOnce(names, names.toReversed())).toEqual([]);
    expect(checkCountedOnce(names, names.slice(0, 100))).toEqual([]);
  });

  test('G6: a planted second count is found wherever it lies', () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = seededRandom(seed);
      const again = names[Math.floor(random() * names.length)] ?? '';
      const counted = names.toSpliced(Math.floor(random() * names.length), 0, again);
      const violations = checkCountedOnce(names, counted);
      expect(violations, `seed ${seed}`).toHaveLength(1);
      expect(violations[0]?.evidence).toEqual([[again, 2]]);
    }
  });

  test('G6: a counted event that nobody accepted is found', () => {
    expect(checkCountedOnce(names, [...names, 'ghost'])).toHaveLength(1);
  });
});

describe('checkLoss', () => {
  const kills = [
    { by: 'a', seenInWindow: 10 },
    { by: 'b', seenInWindow: 0 },
  ];

  test('G6: a loss up to what the kills excuse breaks nothing', () => {
    expect(checkLoss({ seen: 1_000, counted: 1_000, kills: [] })).toEqual([]);
    expect(checkLoss({ seen: 1_000, counted: 990, kills })).toEqual([]);
    expect(checkLoss({ seen: 1_000, counted: 985, dropped: 5, kills })).toEqual([]);
  });

  test('G6: one click lost more, or without a kill, is found', () => {
    expect(checkLoss({ seen: 1_000, counted: 989, kills })).toHaveLength(1);
    expect(checkLoss({ seen: 1_000, counted: 999, kills: [] })).toHaveLength(1);
  });

  test('G6: more clicks than redirects is found, but for requests whose answer was lost', () => {
    expect(checkLoss({ seen: 1_000, counted: 1_001, kills })).toHaveLength(1);
    expect(checkLoss({ seen: 1_000, counted: 1_003, unanswered: 3, kills })).toEqual([]);
    expect(checkLoss({ seen: 1_000, counted: 1_004, unanswered: 3, kills })).toHaveLength(1);
  });
});

test('G6: counts that differ from the plain count in any key are found, also when the totals agree', () => {
  const truth = new Map([
    ['x', 3],
    ['y', 2],
  ]);
  expect(checkEqualCounts(truth, new Map(truth))).toEqual([]);
  expect(checkEqualCounts(truth, new Map([...truth, ['z', 0]]))).toEqual([]);
  const swapped = new Map([
    ['x', 2],
    ['y', 3],
  ]);
  expect(checkEqualCounts(truth, swapped)[0]?.message).toContain('2 counts differ');
  expect(checkEqualCounts(truth, new Map([['x', 3]]))).toHaveLength(1);
  expect(checkEqualCounts(new Map([['x', 3]]), truth)).toHaveLength(1);
});
