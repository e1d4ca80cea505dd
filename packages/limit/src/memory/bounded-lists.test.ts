import { OverloadedError } from '@spillway/kernel';
import { describe, expect, test } from 'vitest';
import { REMEMBER_US } from '../store.ts';
import { BlockList } from './block-list.ts';
import { KnownIds } from './known-ids.ts';

describe('G7: the ids that a store remembers', () => {
  test('are known for ten minutes, and not a microsecond longer', () => {
    const ids = new KnownIds(100);
    ids.add('a', 3, 5);
    expect(ids.costOf('a', 5 + REMEMBER_US - 1)).toBe(3);
    expect(ids.costOf('a', 5 + REMEMBER_US)).toBeUndefined();
  });

  test('are all known while there is room, however they come', () => {
    const ids = new KnownIds(10_000);
    for (let at = 0; at < 4000; at += 1) ids.add(`id-${at}`, 1, at * 1e6);
    for (let at = 0; at < 4000; at += 1) {
      expect(ids.costOf(`id-${at}`, 3999e6)).toBe(at * 1e6 + REMEMBER_US > 3999e6 ? 1 : undefined);
    }
    expect(ids.forgotten).toBe(0);
    expect(ids.size).toBeLessThan(1300);
  });

  test('are never more than the bound: the oldest are forgotten, and counted', () => {
    const ids = new KnownIds(100);
    for (let at = 0; at < 1000; at += 1) ids.add(`id-${at}`, 1, at);
    expect(ids.size).toBeLessThanOrEqual(100);
    expect(ids.forgotten).toBeGreaterThan(800);
    for (let at = 950; at < 1000; at += 1) expect(ids.costOf(`id-${at}`, 1000)).toBe(1);
  });
});

describe('G7: the keys that are blocked', () => {
  test('are never more than the bound: one more is an error, not a promise broken in silence', () => {
    const blocks = new BlockList(3);
    for (const key of ['a', 'b', 'c']) blocks.add(key, 0, 10);
    expect(() => blocks.add('d', 0, 10)).toThrow(OverloadedError);
    blocks.add('a', 0, 20);
    blocks.add('d', 10, 10);
    expect(blocks.leftUs('d', 15)).toBe(5);
    expect(blocks.leftUs('a', 15)).toBe(5);
    expect(blocks.leftUs('b', 15)).toBe(0);
  });

  test('cost nothing once they are over', () => {
    const blocks = new BlockList(1000);
    for (let at = 0; at < 10_000; at += 1) blocks.add(`key-${at}`, at, 100);
    expect(blocks.size).toBeLessThan(250);
  });
});
