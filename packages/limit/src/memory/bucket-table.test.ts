import { seededRandom } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { tokenBucket } from '../core/parse-token-bucket.ts';
import { BucketTable } from './bucket-table.ts';
import { OVERFLOW_BUCKETS } from './overflow.ts';

const SECOND = 1_000_000;
const policy = tokenBucket({ name: 'p', capacity: 5, refill: { tokens: 1, every: '1s' } });
const take = (table: BucketTable, key: string, nowUs = 0, cost = 1) => table.take(policy, key, nowUs, cost).outcome;

describe('G7: the memory of a limiter', () => {
  test('never holds more keys than its bound', () => {
    const table = new BucketTable(100, 1);
    for (let at = 0; at < 5000; at += 1) take(table, `key-${at}`);
    expect(table.size).toBe(100);
    expect(table.overflowed).toBeGreaterThan(0);
  });

  test('drops full buckets, so that keys seen once do not add up', () => {
    const table = new BucketTable(100_000, 1);
    // A hundred newcomers a second, each full again after one: a few hundred are in use at any time.
    for (let at = 0; at < 20_000; at += 1) take(table, `key-${at}`, at * 10_000);
    expect(table.size).toBeLessThan(500);
    expect(table.overflowed).toBe(0);
  });

  test('an attacker with many addresses washes out nobody who is already counted', () => {
    const table = new BucketTable(1000, 7);
    for (let taken = 0; taken < 5; taken += 1) expect(take(table, 'victim')).toBe('allowed');
    for (let at = 0; at < 50_000; at += 1) take(table, `attacker-${at}`);
    expect(take(table, 'victim')).toBe('denied');
    expect(take(table, 'victim', SECOND)).toBe('allowed');
  });

  test('newcomers share what is left, and nobody gets a fresh bucket by coming back', () => {
    const table = new BucketTable(10, 3);
    for (let at = 0; at < 10; at += 1) take(table, `early-${at}`, 0, 5);
    let granted = 0;
    for (let round = 0; round < 3; round += 1) {
      for (let at = 0; at < 20_000; at += 1) if (take(table, `late-${at}`) === 'allowed') granted += 1;
    }
    expect(granted).toBe(OVERFLOW_BUCKETS * 5);
  });

  test('G2: a key that moves from overflow to a slot of its own takes along what it owes', () => {
    const table = new BucketTable(1, 3);
    take(table, 'early', 0, 1);
    expect(take(table, 'late', 0, 5)).toBe('allowed');
    // After a second the early one is full again and leaves its slot.
    expect(take(table, 'late', SECOND, 5)).toBe('denied');
    expect(take(table, 'late', SECOND, 1)).toBe('allowed');
    expect(table.size).toBe(1);
    expect(take(table, 'late', SECOND, 1)).toBe('denied');
  });

  test('a refused newcomer gets no slot', () => {
    const table = new BucketTable(10, 3);
    expect(take(table, 'greedy', 0, 6)).toBe('denied');
    expect(table.size).toBe(0);
  });

  test('G2: a key in a crowded table never gets more than one alone, whatever the others do', () => {
    const seed = 20_260_101;
    const random = seededRandom(seed);
    const crowded = new BucketTable(8, 5);
    const alone = new Map<string, BucketTable>();
    let nowUs = 0;
    for (let step = 0; step < 50_000; step += 1) {
      nowUs += Math.floor(random() * 100_000);
      const key = `k${Math.floor(random() * 40)}`;
      const cost = 1 + Math.floor(random() * 3);
      const own = alone.get(key) ?? new BucketTable(8, 5);
      alone.set(key, own);
      const bound = own.peek(policy, key, nowUs, cost);
      const verdict = crowded.take(policy, key, nowUs, cost);
      // The oracle is charged exactly when the crowded table granted, and must then allow it too.
      if (verdict.outcome === 'allowed') {
        expect(bound.outcome, `seed ${seed}, step ${step}`).toBe('allowed');
        own.take(policy, key, nowUs, cost);
      }
    }
  });

  test.each(['__proto__', 'constructor', '', '\u0000', 'a\nb', '💧'])('%j is a key like any other', (key) => {
    const table = new BucketTable(10, 3);
    for (let taken = 0; taken < 5; taken += 1) expect(take(table, key)).toBe('allowed');
    expect(take(table, key)).toBe('denied');
    table.reset(key);
    expect(take(table, key)).toBe('allowed');
  });
});
