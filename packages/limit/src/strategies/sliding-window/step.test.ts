import { describe, expect, test } from 'vitest';
import { slidingWindow } from './policy.ts';
import { type SlidingWindowState, slidingWindowStrategy } from './step.ts';

const { take, peek, refund, expiresAtUs } = slidingWindowStrategy;
const SECOND = 1_000_000;
/** A full minute, and the start of a sub-window. */
const NOW = 1_763_000_040_000_000;
const policy = slidingWindow({ name: 'p', limit: 10, window: '1m', subWindows: 6 });

const taken = (...takes: readonly (readonly [us: number, cost: number])[]): SlidingWindowState | undefined => {
  let state: SlidingWindowState | undefined;
  for (const [us, cost] of takes) state = take(policy, state, NOW + us, cost).state;
  return state;
};

describe('a sliding window', () => {
  test('does not admit twice the limit across an edge', () => {
    const state = taken([60 * SECOND - 1, 10]);
    expect(peek(policy, state, NOW + 60 * SECOND, 1)).toMatchObject({ outcome: 'denied' });
    // A burst in one moment is where the usual weighting goes wrong by nearly the whole limit.
    expect(peek(policy, state, NOW + 120 * SECOND - 2, 1)).toMatchObject({ outcome: 'denied', retryAfterUs: 2 });
    expect(peek(policy, state, NOW + 120 * SECOND, 10)).toMatchObject({ outcome: 'allowed' });
  });

  test('lets a unit count for a window at least and one sub-window more at most', () => {
    const early = taken([0, 10]);
    expect(peek(policy, early, NOW, 1)).toMatchObject({ retryAfterUs: 70 * SECOND });
    const late = taken([10 * SECOND - 1, 10]);
    expect(peek(policy, late, NOW + 10 * SECOND - 1, 1)).toMatchObject({ retryAfterUs: 60 * SECOND + 1 });
  });

  test('keeps one counter per sub-window, the newest first, and gives back one after the other', () => {
    const state = taken([0, 2], [10 * SECOND, 3], [30 * SECOND, 5]);
    expect(state).toEqual({ subUs: 10 * SECOND, newest: (NOW + 30 * SECOND) / (10 * SECOND), counts: [5, 0, 3, 2] });
    expect(peek(policy, state, NOW + 35 * SECOND, 4)).toEqual({
      outcome: 'denied',
      reason: 'exhausted',
      remaining: 0,
      refillAfterUs: 35 * SECOND,
      retryAfterUs: 45 * SECOND,
      resetAfterUs: 65 * SECOND,
    });
    expect(peek(policy, state, NOW + 70 * SECOND, 2)).toMatchObject({ outcome: 'allowed', remaining: 2 });
    if (state !== undefined) expect(expiresAtUs(policy, state)).toBe(NOW + 100 * SECOND);
  });

  test('a refund goes to the sub-window of its take, then to those before it, never to later ones', () => {
    const state = taken([0, 2], [10 * SECOND, 3], [30 * SECOND, 5]);
    const at = NOW + 35 * SECOND;
    const counts = (cost: number, atUs?: number) =>
      refund(policy, state, at, cost, atUs === undefined ? {} : { atUs })?.counts;
    expect(counts(2)).toEqual([3, 0, 3, 2]);
    expect(counts(6)).toEqual([2, 2]);
    expect(counts(1, NOW + 12 * SECOND)).toEqual([5, 0, 2, 2]);
    expect(counts(9, NOW + 12 * SECOND)).toEqual([5]);
    expect(counts(10)).toBeUndefined();
    expect(refund(policy, state, at, 5, { atUs: NOW - 1 })).toBe(state);
  });

  test('a clock that went back stays in the newest sub-window', () => {
    const state = taken([30 * SECOND, 4]);
    expect(take(policy, state, NOW, 1).state).toMatchObject({ counts: [5], newest: state?.newest });
    expect(peek(policy, state, NOW, 7)).toMatchObject({ outcome: 'denied', retryAfterUs: 100 * SECOND });
  });

  test('sub-windows that are no whole number of microseconds are never shorter together than the window', () => {
    const thirds = slidingWindow({ name: 'p', limit: 1, window: '1s', subWindows: 3 });
    expect(thirds.subUs).toBe(333_334);
    expect(slidingWindowStrategy.spanUs(thirds)).toBe(1_000_002);
  });

  test('a changed limit is noticed at once, and after a changed window what was taken still counts', () => {
    const state = taken([0, 4], [30 * SECOND, 6]);
    const raised = slidingWindow({ name: 'p', limit: 12, window: '1m', subWindows: 6 });
    expect(peek(raised, state, NOW + 30 * SECOND, 2)).toMatchObject({ outcome: 'allowed', remaining: 2 });
    const lowered = slidingWindow({ name: 'p', limit: 5, window: '1m', subWindows: 6 });
    expect(peek(lowered, state, NOW + 30 * SECOND, 1)).toMatchObject({ remaining: 0, retryAfterUs: 70 * SECOND });
    const longer = slidingWindow({ name: 'p', limit: 10, window: '1h', subWindows: 6 });
    expect(peek(longer, state, NOW + 50 * 60 * SECOND, 1)).toMatchObject({ outcome: 'denied' });
    const finer = slidingWindow({ name: 'p', limit: 11, window: '1m', subWindows: 60 });
    const { verdict, state: after } = take(finer, state, NOW + 32 * SECOND, 1);
    expect(verdict).toMatchObject({ outcome: 'allowed', remaining: 0 });
    expect(after).toEqual({ subUs: SECOND, newest: NOW / SECOND + 32, counts: [1, 0, 10] });
  });
});
