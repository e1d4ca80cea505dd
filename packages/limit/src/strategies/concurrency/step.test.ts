import { ConfigurationError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { concurrency } from './policy.ts';
import { acquireSlots, type ConcurrencyState, concurrencyStrategy, releaseSlots, renewSlots } from './step.ts';

const SECOND = 1_000_000;
const NOW = 1_763_000_040_000_000;
const policy = concurrency({ name: 'p', limit: 3, lease: '30s' });

function held(...ids: readonly string[]): ConcurrencyState | undefined {
  let state: ConcurrencyState | undefined;
  for (const [at, id] of ids.entries()) state = acquireSlots(policy, state, NOW + at * SECOND, 1, id).state;
  return state;
}

describe('concurrency', () => {
  test('a slot is free again when it is released', () => {
    const state = held('a', 'b', 'c');
    expect(acquireSlots(policy, state, NOW + 3 * SECOND, 1, 'd').verdict).toMatchObject({ outcome: 'denied' });
    const released = releaseSlots(state, NOW + 3 * SECOND, 'b');
    expect(acquireSlots(policy, released, NOW + 3 * SECOND, 1, 'd').verdict).toMatchObject({ outcome: 'allowed' });
    expect(releaseSlots(released, NOW + 3 * SECOND, 'b')).toBe(released);
    expect(releaseSlots(held('a'), NOW, 'a')).toBeUndefined();
  });

  test('a dead holder gives its slot back when its lease ends, not a microsecond earlier', () => {
    const state = held('a', 'b', 'c');
    const knock = acquireSlots(policy, state, NOW + 3 * SECOND, 2, 'd');
    expect(knock.verdict).toEqual({
      outcome: 'denied',
      reason: 'exhausted',
      remaining: 0,
      refillAfterUs: 27 * SECOND,
      retryAfterUs: 28 * SECOND,
      resetAfterUs: 29 * SECOND,
    });
    expect(acquireSlots(policy, state, NOW + 30 * SECOND - 1, 1, 'd').verdict.outcome).toBe('denied');
    expect(acquireSlots(policy, state, NOW + 30 * SECOND, 1, 'd').verdict.outcome).toBe('allowed');
  });

  test('renewing keeps the slot; a lease that has run out is lost, and says so', () => {
    const renewal = renewSlots(policy, held('a', 'b', 'c'), NOW + 29 * SECOND, 'a');
    expect(renewal.outcome).toBe('renewed');
    expect(renewal.state?.holders.map(({ id }) => id)).toEqual(['b', 'c', 'a']);
    expect(acquireSlots(policy, renewal.state, NOW + 30 * SECOND, 1, 'd').verdict.outcome).toBe('denied');
    expect(renewSlots(policy, renewal.state, NOW + 31 * SECOND, 'b')).toEqual({
      outcome: 'lost',
      state: renewal.state,
    });
    expect(renewSlots(policy, undefined, NOW, 'a')).toEqual({ outcome: 'lost', state: undefined });
  });

  test("a holder that outlived its lease can not release its successor's slot", () => {
    const { state } = acquireSlots(policy, held('a'), NOW + 30 * SECOND, 3, 'b');
    expect(releaseSlots(state, NOW + 31 * SECOND, 'a')).toBe(state);
  });

  test('a take that is repeated with its id is charged once, and renews', () => {
    const state = held('a', 'b', 'c');
    const again = acquireSlots(policy, state, NOW + 20 * SECOND, 1, 'a');
    expect(again.verdict).toMatchObject({ outcome: 'allowed', remaining: 0 });
    expect(again.state?.holders).toHaveLength(3);
    expect(again.state?.holders.at(-1)).toEqual({ id: 'a', untilUs: NOW + 50 * SECOND, units: 1 });
  });

  test('a holder can hold several slots, and gives them back together', () => {
    const { state } = acquireSlots(policy, undefined, NOW, 2, 'a');
    expect(concurrencyStrategy.peek(policy, state, NOW, 1)).toMatchObject({ outcome: 'allowed', remaining: 1 });
    expect(concurrencyStrategy.refund(policy, state, NOW, 1, { id: 'a' })).toBeUndefined();
  });

  test('a clock that went back never shortens a lease', () => {
    const renewal = renewSlots(policy, held('a'), NOW - 10 * SECOND, 'a');
    expect(renewal.state?.holders).toEqual([{ id: 'a', untilUs: NOW + 30 * SECOND, units: 1 }]);
  });

  test('a take without an id, or with an empty one, is refused with the remedy', () => {
    expect(() => concurrencyStrategy.take(policy, undefined, NOW, 1)).toThrow(ConfigurationError);
    expect(() => concurrencyStrategy.take(policy, undefined, NOW, 1, '')).toThrow('take(key, { id })');
    expect(() => concurrencyStrategy.refund(policy, undefined, NOW, 1)).toThrow(ConfigurationError);
  });

  test('a lowered limit counts who is in, and lets nobody in until enough have left', () => {
    const one = concurrency({ name: 'p', limit: 1, lease: '30s' });
    expect(acquireSlots(one, held('a', 'b', 'c'), NOW + 3 * SECOND, 1, 'd').verdict).toMatchObject({
      remaining: 0,
      retryAfterUs: 29 * SECOND,
    });
  });
});
