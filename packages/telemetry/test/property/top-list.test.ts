import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTopList } from '../../src/core/top-list.ts';

/** Few keys that come often, many that come once: what a list of offenders meets. */
const streams = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.nat({ max: 5 }) },
    { weight: 2, arbitrary: fc.nat({ max: 40 }) },
    { weight: 1, arbitrary: fc.nat({ max: 1000 }) },
  ),
  { maxLength: 600 },
);
const sizes = fc.integer({ min: 1, max: 20 });

test('a count is never too low, and too high by its error at most, which is at most N / size', () =>
  fc.assert(
    fc.property(streams, sizes, (stream, size) => {
      const list = createTopList(size);
      const real = new Map<string, number>();
      for (const number of stream) {
        const key = `key ${number}`;
        list.add(key);
        real.set(key, (real.get(key) ?? 0) + 1);
      }
      const top = list.top(size);
      expect(list.total).toBe(stream.length);
      expect(top.length).toBe(Math.min(size, real.size));
      expect(new Set(top.map(({ key }) => key)).size).toBe(top.length);
      for (const { key, count, error } of top) {
        const times = real.get(key) ?? 0;
        expect(count).toBeGreaterThanOrEqual(times);
        expect(count - error).toBeLessThanOrEqual(times);
        expect(error).toBeLessThanOrEqual(stream.length / size);
      }
      // Nobody who came more often than that is missing.
      const listed = new Set(top.map(({ key }) => key));
      for (const [key, times] of real) if (times > stream.length / size) expect(listed).toContain(key);
      // All additions are in the counts, and none twice.
      expect(top.reduce((sum, { count }) => sum + count, 0)).toBe(stream.length);
      expect(top.map(({ count }) => count)).toEqual(top.map(({ count }) => count).toSorted((a, b) => b - a));
    }),
  ));

test('with room for every key it is exact, and empty again when it is cleared', () =>
  fc.assert(
    fc.property(streams, (stream) => {
      const list = createTopList(1001);
      for (const number of stream) list.add(String(number));
      for (const { key, count, error } of list.top(1001)) {
        expect(error).toBe(0);
        expect(count).toBe(stream.filter((number) => String(number) === key).length);
      }
      list.clear();
      expect([list.total, list.top(10)]).toEqual([0, []]);
    }),
  ));
