import { describe, expect, test } from 'vitest';
import { fixedWindow } from './policy.ts';
import { fixedWindowStrategy } from './step.ts';

const { take, peek, refund, expiresAtUs } = fixedWindowStrategy;
const SECOND = 1_000_000;
const MINUTE = 60 * SECOND;
/** 13 s after a full minute. */
const NOW = 1_763_000_040_000_000 + 13 * SECOND;
const clock = fixedWindow({ name: 'p', limit: 10, window: '1m' });
const firstHit = fixedWindow({ name: 'p', limit: 10, window: '1m', align: 'first-hit' });

describe('a fixed window', () => {
  test('of the clock ends with the minute, for everybody', () => {
    const { verdict, state } = take(clock, undefined, NOW, 10);
    expect(state).toEqual({ startUs: NOW - 13 * SECOND, taken: 10 });
    expect(verdict).toEqual({
      outcome: 'allowed',
      remaining: 0,
      refillAfterUs: 47 * SECOND,
      resetAfterUs: 47 * SECOND,
    });
    expect(take(clock, state, NOW + 47 * SECOND - 1, 1).verdict).toMatchObject({ outcome: 'denied', retryAfterUs: 1 });
    const next = take(clock, state, NOW + 47 * SECOND, 1);
    expect(next.state).toEqual({ startUs: NOW + 47 * SECOND, taken: 1 });
  });

  test('from the first hit lasts a whole window from there', () => {
    const { state } = take(firstHit, undefined, NOW, 9);
    expect(state).toEqual({ startUs: NOW, taken: 9 });
    expect(take(firstHit, state, NOW + MINUTE - 1, 2).verdict).toMatchObject({ outcome: 'denied', retryAfterUs: 1 });
    expect(take(firstHit, state, NOW + MINUTE + 5, 2).state).toEqual({ startUs: NOW + MINUTE + 5, taken: 2 });
  });

  test('admits twice the limit across an edge, as it says, and no more', () => {
    const edge = NOW + 47 * SECOND;
    const before = take(clock, undefined, edge - 1, 10);
    const after = take(clock, before.state, edge, 10);
    expect([before.verdict.outcome, after.verdict.outcome]).toEqual(['allowed', 'allowed']);
    expect(take(clock, after.state, edge + MINUTE - 1, 1).verdict.outcome).toBe('denied');
  });

  test('stays in its window when the clock goes back behind the start', () => {
    const { state } = take(clock, undefined, NOW, 10);
    expect(take(clock, state, NOW - 14 * SECOND, 1).verdict).toMatchObject({
      outcome: 'denied',
      retryAfterUs: 61 * SECOND,
    });
    const more = take(clock, { startUs: NOW - 13 * SECOND, taken: 4 }, NOW - 14 * SECOND, 1);
    expect(more.state).toEqual({ startUs: NOW - 13 * SECOND, taken: 5 });
  });

  test('a refund goes to the window of its take, or nowhere', () => {
    const { state } = take(clock, undefined, NOW, 3);
    expect(refund(clock, state, NOW, 1)).toEqual({ startUs: NOW - 13 * SECOND, taken: 2 });
    expect(refund(clock, state, NOW, 1, { atUs: NOW - 13 * SECOND })).toMatchObject({ taken: 2 });
    expect(refund(clock, state, NOW, 1, { atUs: NOW - 13 * SECOND - 1 })).toBe(state);
    expect(refund(clock, state, NOW, 3)).toBeUndefined();
    expect(refund(clock, state, NOW, 100)).toBeUndefined();
    expect(refund(clock, state, NOW + MINUTE, 1)).toBe(state);
  });

  test('limits over windows of more than 24.8 days', () => {
    const yearly = fixedWindow({ name: 'p', limit: 1, window: '365d', align: 'first-hit' });
    const { state } = take(yearly, undefined, NOW, 1);
    const year = 365 * 86_400 * SECOND;
    expect(take(yearly, state, NOW + year - 1, 1).verdict).toMatchObject({ outcome: 'denied', retryAfterUs: 1 });
    expect(take(yearly, state, NOW + year, 1).verdict.outcome).toBe('allowed');
  });

  test('a changed policy goes on from what was taken', () => {
    const { state } = take(clock, undefined, NOW, 10);
    const raised = fixedWindow({ name: 'p', limit: 12, window: '1m' });
    expect(peek(raised, state, NOW, 2)).toMatchObject({ outcome: 'allowed', remaining: 2 });
    const lowered = fixedWindow({ name: 'p', limit: 5, window: '1m' });
    expect(peek(lowered, state, NOW, 1)).toMatchObject({ outcome: 'denied', remaining: 0, retryAfterUs: 47 * SECOND });
    const longer = fixedWindow({ name: 'p', limit: 10, window: '1h' });
    expect(peek(longer, state, NOW + 2 * MINUTE, 1)).toMatchObject({ outcome: 'denied' });
    const shorter = fixedWindow({ name: 'p', limit: 10, window: '10s' });
    expect(peek(shorter, state, NOW, 10)).toMatchObject({ outcome: 'allowed' });
    if (state !== undefined) expect(expiresAtUs(shorter, state)).toBe(NOW - 3 * SECOND);
  });

  test('a cost that does not fit is refused without adding up past what can be counted', () => {
    const vast = fixedWindow({ name: 'p', limit: 1e12, window: '1m' });
    const { state } = take(vast, undefined, NOW, 1e12);
    expect(take(vast, state, NOW, Number.MAX_SAFE_INTEGER).verdict).toMatchObject({ reason: 'cost-exceeds-capacity' });
  });
});
