import { describe, expect, test } from 'vitest';
import { createL1 } from './l1.ts';
import { TagIndex } from './tag-index.ts';

describe('the index of tags', () => {
  test('G5: whoever was under a tag sees what became of it since, and nobody else does', () => {
    const index = new TagIndex();
    const [before, other] = [index.hold(['a', 'b']), index.hold(['c'])];
    index.outdate('a', 'expired');
    const between = index.hold(['a', 'b']);
    expect([before.outdated, between.outdated, other.outdated]).toEqual(['expired', undefined, undefined]);
    index.outdate('b', 'invalidated');
    expect([before.outdated, between.outdated, other.outdated]).toEqual(['invalidated', 'invalidated', undefined]);
    index.outdate('b', 'expired');
    expect(between.outdated).toBe('invalidated');
    expect(index.hold(['a', 'b']).outdated).toBeUndefined();
  });

  test('G5: what has expired can still be invalidated', () => {
    const index = new TagIndex();
    const one = index.hold(['a']);
    index.outdate('a', 'expired');
    index.outdate('a', 'invalidated');
    expect(one.outdated).toBe('invalidated');
  });

  test('G7: a tag is forgotten with the last one under it', () => {
    const index = new TagIndex();
    const one = index.hold(['a', 'b']);
    const other = index.hold(['b']).retain();
    one.release();
    other.release();
    expect(index.size).toBe(1);
    other.release();
    expect(index.size).toBe(0);
    index.outdate('a', 'invalidated');
    expect([index.size, one.outdated]).toEqual([0, undefined]);
  });

  test('G7: L1 holds no more tags than its entries have, however it loses them', () => {
    const index = new TagIndex();
    const l1 = createL1<string>({ maxEntries: 100, maxBytes: 1e6 }, () => undefined, 1);
    const put = (key: string, tags: string[], valueBytes = 10) => {
      const under = index.hold(tags);
      const times = { ceilingUs: 1, freshUntilUs: 1, usableUntilUs: 1, epoch: -1, tagged: { under, epoch: 0 } };
      l1.put(key, { value: key, negative: false, valueBytes, ...times });
      under.release();
    };
    for (let i = 0; i < 100_000; i += 1) put(`k${i}`, [`own ${i}`, 'all']);
    expect(l1.entries).toBe(100);
    expect(index.size).toBe(101);
    const { bytes } = l1;
    for (const [i, key] of Array.from({ length: 100_000 }, (_, at) => [at, `k${at}`] as const)) {
      if (l1.get(key) !== undefined) put(key, [`again ${i}`, 'all']);
    }
    expect([index.size, l1.entries]).toEqual([101, 100]);
    expect(l1.bytes).toBeGreaterThan(bytes);
    put('k0', ['too large'], 2e6);
    expect(l1.delete('k0')).toBe(false);
    l1.clear();
    expect([index.size, l1.bytes]).toEqual([0, 0]);
  });
});
