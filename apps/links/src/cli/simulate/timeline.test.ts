import { seededRandom } from '@spillway/kernel';
import { expect, test } from 'vitest';
import { createTimeline } from './timeline.ts';

test('the spans are the same whatever the order, no more than allowed, and lose no request', () => {
  const random = seededRandom(3);
  const times = Array.from({ length: 500 }, () => 1_431_000_000_000 + Math.floor(random() * 300_000_000));
  const drawn = [times, times.toReversed(), times.toSorted((a, b) => a - b)].map((list) => {
    const timeline = createTimeline(1, 50);
    for (const atMs of list) {
      const span = timeline.add(atMs);
      span.limited[0] = (span.limited[0] ?? 0) + 1;
    }
    return { spanMs: timeline.spanMs(), spans: timeline.spans() };
  });
  expect(drawn[1]).toEqual(drawn[0]);
  expect(drawn[2]).toEqual(drawn[0]);
  const { spanMs = 0, spans = [] } = drawn[0] ?? {};
  expect(spanMs).toBe(10_800_000);
  expect(spans.length).toBeLessThanOrEqual(50);
  for (const { atMs, requests, limited } of spans) {
    const truth = times.filter((each) => each >= atMs && each < atMs + spanMs).length;
    expect([atMs % spanMs, requests, limited]).toEqual([0, truth, [truth]]);
  }
  expect(spans.reduce((sum, { requests }) => sum + requests, 0)).toBe(times.length);
});

test('a century fits as well', () => {
  const timeline = createTimeline(0, 240);
  for (const year of [1970, 2112, 2015]) timeline.add(Date.UTC(year, 0));
  expect(timeline.spans().map(({ requests }) => requests)).toEqual([1, 1, 1]);
});
