import { describe, expect, test } from 'vitest';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import { fixedWindow } from '../strategies/fixed-window/policy.ts';
import type { Policy } from '../strategies/policy.ts';
import { sharePolicy } from '../strategies/share-policy.ts';
import { stepsOf } from '../strategies/strategy-of.ts';
import { OwedTable, toOwed } from './owed-table.ts';
import { StoreTime } from './store-time.ts';

const SECOND = 1_000_000;
/** The store's clock is that far ahead of this process's. */
const AHEAD = 1_763_000_000 * SECOND;
const bucket = tokenBucket({ name: 'b', capacity: 100, refill: { tokens: 10, every: '1s' } });
const window = fixedWindow({ name: 'w', limit: 100, window: '10s' });

function table(maxKeys = 100) {
  const storeTime = new StoreTime();
  const owed = new OwedTable(maxKeys, storeTime);
  return {
    owed,
    storeTime,
    /** As a share of the policy among so many instances gives `cost`, to a key that has taken nothing before. */
    give(key: string, policy: Policy, cost: number, nowUs: number, instances = 1) {
      const share = sharePolicy(policy, instances);
      const { verdict } = stepsOf(share).take(share, undefined, AHEAD + nowUs, cost);
      owed.add(key, [share], cost, [verdict], nowUs);
    },
    taken(key: string, nowUs: number) {
      const debts = owed.take(key, nowUs);
      return debts === undefined ? undefined : toOwed(debts, nowUs)[0];
    },
  };
}

describe('what a share gave', () => {
  test('of a bucket is owed less and less as the share refills, in whole units, rounded up', () => {
    for (const [atUs, units] of [
      [0, 40],
      [SECOND, 30],
      [1.05 * SECOND, 30],
      [1.1 * SECOND, 29],
      [3.95 * SECOND, 1],
    ] as const) {
      const { give, taken } = table();
      give('ada', bucket, 40, 0);
      expect(taken('ada', atUs)).toMatchObject({ units });
    }
    const { give, taken } = table();
    give('ada', bucket, 40, 0);
    expect(taken('ada', 4 * SECOND)).toBeUndefined();
  });

  test('of a divided share refills as slowly as the share does', () => {
    const { give, taken } = table();
    give('ada', bucket, 20, 0, 4);
    expect(taken('ada', SECOND)).toMatchObject({ units: 18 });
  });

  test('is owed once', () => {
    const { give, taken } = table();
    give('ada', bucket, 5, 0);
    give('ada', bucket, 5, 0);
    expect(taken('ada', 0)?.units).toBeLessThanOrEqual(10);
    expect(taken('ada', 0)).toBeUndefined();
  });

  test('of a window is owed whole, with a moment in that window, and nothing once that has ended', () => {
    const { give, taken, storeTime } = table();
    storeTime.heard(AHEAD, 0);
    give('ada', window, 7, SECOND);
    give('ada', window, 7, 2 * SECOND);
    expect(taken('ada', 9 * SECOND)).toEqual({ units: 14, atUs: AHEAD + SECOND });
    give('ada', window, 7, 9 * SECOND);
    expect(taken('ada', 10 * SECOND)).toBeUndefined();
    give('ada', window, 7, 9 * SECOND);
    give('ada', window, 3, 11 * SECOND);
    expect(taken('ada', 12 * SECOND)).toEqual({ units: 3, atUs: AHEAD + 11 * SECOND });
  });

  test('of a window is not owed before the store has ever told its time', () => {
    const { give, taken } = table();
    give('ada', window, 7, SECOND);
    expect(taken('ada', SECOND)).toBeUndefined();
  });

  test('is less after a refund, and nothing after a reset', () => {
    const { give, taken, owed } = table();
    give('ada', bucket, 9, 0);
    owed.giveBack('ada', 4);
    expect(taken('ada', 0)).toMatchObject({ units: 5 });
    give('ada', bucket, 9, 0);
    owed.forget('ada');
    expect(taken('ada', 0)).toBeUndefined();
  });

  test('is owed again when it could not be sent, beside what came since', () => {
    const { give, taken, owed } = table();
    give('ada', bucket, 9, 0);
    const debts = owed.take('ada', 0);
    give('ada', bucket, 2, 0);
    if (debts !== undefined) owed.restore('ada', debts, 0);
    // Both by a share that had been full: its debt is the larger one.
    expect(taken('ada', 0)).toMatchObject({ units: 9 });
  });
});

test('G7: at most maxKeys keys owe; those that have refilled make room', () => {
  const { give, taken, owed } = table(10);
  for (let key = 0; key < 1000; key += 1) give(`k${key}`, bucket, 5, 0);
  expect(owed.size).toBe(10);
  expect(taken('k999', 0)).toBeUndefined();
  for (let key = 0; key < 1000; key += 1) give(`late${key}`, bucket, 5, SECOND + key);
  expect(owed.size).toBe(10);
  expect(taken('k0', SECOND)).toBeUndefined();
  expect(taken('late0', SECOND + 1000)).toMatchObject({ units: 5 });
});
