import { OverloadedError, seededRandom } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { concurrency } from '../strategies/concurrency/policy.ts';
import { fixedWindow } from '../strategies/fixed-window/policy.ts';
import { slidingLog } from '../strategies/sliding-log/policy.ts';
import { OVERFLOW_BUCKETS } from './overflow.ts';
import { StateTable } from './state-table.ts';

const SECOND = 1_000_000;
const policy = fixedWindow({ name: 'p', limit: 5, window: '1s', align: 'first-hit' });
const slots = concurrency({ name: 's', limit: 2, lease: '1s' });
const log = slidingLog({ name: 'l', limit: 5, window: '5s' });
const take = (table: StateTable, key: string, nowUs = 0, cost = 1) => table.take(policy, key, nowUs, cost).outcome;

describe('G7: the states of a strategy in memory', () => {
  test('are never more than the bound', () => {
    const table = new StateTable(policy, 100, 1);
    for (let at = 0; at < 5000; at += 1) take(table, `key-${at}`);
    expect(table.size).toBe(100);
    expect(table.overflowed).toBeGreaterThan(0);
  });

  test('are dropped once they have expired, so that keys seen once do not add up', () => {
    const table = new StateTable(policy, 100_000, 1);
    for (let at = 0; at < 20_000; at += 1) take(table, `key-${at}`, at * 10_000);
    expect(table.size).toBeLessThan(500);
    expect(table.overflowed).toBe(0);
  });

  test('an attacker with many addresses washes out nobody who is already counted', () => {
    const table = new StateTable(policy, 1000, 7);
    for (let taken = 0; taken < 5; taken += 1) expect(take(table, 'victim')).toBe('allowed');
    for (let at = 0; at < 50_000; at += 1) take(table, `attacker-${at}`);
    expect(take(table, 'victim', SECOND - 1)).toBe('denied');
    expect(take(table, 'victim', SECOND)).toBe('allowed');
  });

  test('newcomers share what is left, and nobody gets a fresh state by coming back', () => {
    const table = new StateTable(policy, 10, 3);
    for (let at = 0; at < 10; at += 1) take(table, `early-${at}`, 0, 5);
    let granted = 0;
    for (let round = 0; round < 3; round += 1) {
      for (let at = 0; at < 20_000; at += 1) if (take(table, `late-${at}`) === 'allowed') granted += 1;
    }
    expect(granted).toBe(OVERFLOW_BUCKETS * 5);
  });

  test('a key with a longer window of its own is not dropped by the others’ window', () => {
    const table = new StateTable(policy, 1000, 7);
    const daily = fixedWindow({ name: 'p', limit: 5, window: '1d', align: 'first-hit' });
    table.take(daily, 'ada', 0, 5);
    for (let at = 1; at < 5000; at += 1) take(table, `key-${at}`, at * SECOND);
    expect(table.peek(daily, 'ada', 5000 * SECOND, 1)).toMatchObject({ outcome: 'denied' });
  });

  test('slots are never shared: a newcomer is turned away, before anything is charged', () => {
    const table = new StateTable(slots, 2, 1);
    for (const key of ['ada', 'grace']) table.take(slots, key, 0, 1, 'a');
    expect(() => table.foresee(slots, 'bob', 0, 1, 'b')).toThrow(OverloadedError);
    expect(() => table.take(slots, 'bob', 0, 1, 'b')).toThrow(/policy "s" is full \(2\)/);
    expect(table.take(slots, 'ada', 0, 1, 'b').outcome).toBe('allowed');
    expect(table.take(slots, 'bob', SECOND, 1, 'b').outcome).toBe('allowed');
  });

  test('a refund reaches a key’s own state alone', () => {
    const table = new StateTable(policy, 1, 1);
    take(table, 'early', 0, 5);
    expect(take(table, 'late', 0, 5)).toBe('allowed');
    table.refund(policy, 'late', 0, 5, {});
    expect(take(table, 'late')).toBe('denied');
    table.refund(policy, 'early', 0, 5, {});
    expect(table.size).toBe(0);
  });

  test('G2: a key in a crowded table never gets more than one alone, whatever the others do', () => {
    const seed = 20_260_102;
    const random = seededRandom(seed);
    const crowded = new StateTable(log, 8, 5);
    const alone = new Map<string, StateTable>();
    let nowUs = 0;
    for (let step = 0; step < 20_000; step += 1) {
      nowUs += Math.floor(random() * 200_000);
      const key = `k${Math.floor(random() * 40)}`;
      const cost = 1 + Math.floor(random() * 3);
      const own = alone.get(key) ?? new StateTable(log, 8, 5);
      alone.set(key, own);
      const bound = own.peek(log, key, nowUs, cost);
      if (crowded.take(log, key, nowUs, cost).outcome === 'allowed') {
        expect(bound.outcome, `seed ${seed}, step ${step}`).toBe('allowed');
        own.take(log, key, nowUs, cost);
      }
    }
  });

  test.each(['__proto__', 'constructor', '', '\u0000', 'a\nb', '💧'])('%j is a key like any other', (key) => {
    const table = new StateTable(policy, 10, 3);
    expect(take(table, key, 0, 5)).toBe('allowed');
    expect(take(table, key)).toBe('denied');
    table.reset(key);
    expect(take(table, key)).toBe('allowed');
  });
});
