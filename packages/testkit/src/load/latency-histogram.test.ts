import { seededRandom } from '@spillway/kernel';
import { expect, test } from 'vitest';
import { createLatencyHistogram } from './latency-histogram.ts';

test('percentiles are those of the sorted values, within 0.4 %', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const histogram = createLatencyHistogram();
    const values = Array.from({ length: 5_000 }, () => Math.round(10 ** (random() * 7)));
    for (const value of values) histogram.record(value);
    values.sort((a, b) => a - b);
    const summary = histogram.summary();
    for (const [name, share] of [
      ['p50Ms', 0.5],
      ['p90Ms', 0.9],
      ['p99Ms', 0.99],
      ['p999Ms', 0.999],
    ] as const) {
      const exact = (values[Math.ceil(values.length * share) - 1] ?? 0) / 1_000;
      expect(summary[name], `${name}, seed ${seed}`).toBeGreaterThanOrEqual(exact);
      expect(summary[name], `${name}, seed ${seed}`).toBeLessThanOrEqual(exact * 1.004 + 0.001);
    }
    expect(summary.maxMs).toBe((values.at(-1) ?? 0) / 1_000);
    expect(summary.count).toBe(values.length);
  }
});

test('values at the edges of buckets and beyond the range are kept', () => {
  const histogram = createLatencyHistogram();
  for (const value of [0, 1, 511, 512, 513, 1_023, 1_024, 2 ** 26, 2 ** 33, -5]) {
    histogram.reset();
    histogram.record(value);
    expect(histogram.summary().maxMs, String(value)).toBe(Math.max(0, value) / 1_000);
    expect(histogram.summary().count).toBe(1);
  }
  histogram.reset();
  expect(histogram.summary()).toEqual({ count: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, p999Ms: 0, maxMs: 0 });
});
