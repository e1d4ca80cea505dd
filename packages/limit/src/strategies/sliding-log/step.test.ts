import { describe, expect, test } from 'vitest';
import { slidingLog } from './policy.ts';
import { type SlidingLogState, slidingLogStrategy } from './step.ts';

const { take, peek, refund, expiresAtUs } = slidingLogStrategy;
const SECOND = 1_000_000;
const NOW = 1_763_000_040_000_000;
const policy = slidingLog({ name: 'p', limit: 10, window: '1m' });

const taken = (...takes: readonly (readonly [us: number, cost: number])[]): SlidingLogState | undefined => {
  let state: SlidingLogState | undefined;
  for (const [us, cost] of takes) state = take(policy, state, NOW + us, cost).state;
  return state;
};

describe('a sliding log', () => {
  test('gives every unit back exactly a window after it was taken', () => {
    const state = taken([0, 4], [20 * SECOND, 6]);
    expect(peek(policy, state, NOW + 60 * SECOND - 1, 1)).toMatchObject({ outcome: 'denied', retryAfterUs: 1 });
    expect(peek(policy, state, NOW + 60 * SECOND, 4)).toMatchObject({ outcome: 'allowed', remaining: 4 });
    expect(peek(policy, state, NOW + 60 * SECOND, 5)).toEqual({
      outcome: 'denied',
      reason: 'exhausted',
      remaining: 4,
      refillAfterUs: 20 * SECOND,
      retryAfterUs: 20 * SECOND,
      resetAfterUs: 20 * SECOND,
    });
    if (state !== undefined) expect(expiresAtUs(policy, state)).toBe(NOW + 80 * SECOND);
  });

  test('keeps one entry per moment, and drops what has left with the next take', () => {
    const state = taken([0, 1], [0, 2], [5, 3]);
    expect(state?.entries).toEqual([
      { atUs: NOW, units: 3 },
      { atUs: NOW + 5, units: 3 },
    ]);
    expect(take(policy, state, NOW + 60 * SECOND, 1).state?.entries).toEqual([
      { atUs: NOW + 5, units: 3 },
      { atUs: NOW + 60 * SECOND, units: 1 },
    ]);
  });

  test('a refund goes to its own entry, then to those before it, never to later ones', () => {
    const state = taken([0, 2], [10, 3], [30, 5]);
    const units = (cost: number, atUs?: number) =>
      refund(policy, state, NOW + 40, cost, atUs === undefined ? {} : { atUs })?.entries.map((entry) => entry.units);
    expect(units(2)).toEqual([2, 3, 3]);
    expect(units(6)).toEqual([2, 2]);
    expect(units(1, NOW + 12)).toEqual([2, 2, 5]);
    expect(units(9, NOW + 12)).toEqual([5]);
    expect(units(10)).toBeUndefined();
    expect(refund(policy, state, NOW + 40, 5, { atUs: NOW - 1 })).toBe(state);
    expect(refund(policy, state, NOW + 60 * SECOND + 30, 5)).toBe(state);
  });

  test('a clock that went back writes at the newest entry', () => {
    const state = taken([30 * SECOND, 4]);
    expect(take(policy, state, NOW, 1).state?.entries).toEqual([{ atUs: NOW + 30 * SECOND, units: 5 }]);
    expect(peek(policy, state, NOW, 7)).toMatchObject({ outcome: 'denied', retryAfterUs: 90 * SECOND });
  });

  test('a changed policy goes on from what was taken', () => {
    const state = taken([0, 4], [30 * SECOND, 6]);
    const lowered = slidingLog({ name: 'p', limit: 5, window: '1m' });
    expect(peek(lowered, state, NOW + 30 * SECOND, 1)).toMatchObject({ remaining: 0, retryAfterUs: 60 * SECOND });
    const longer = slidingLog({ name: 'p', limit: 11, window: '1h' });
    expect(peek(longer, state, NOW + 50 * 60 * SECOND, 2)).toMatchObject({ outcome: 'denied', remaining: 1 });
  });
});
