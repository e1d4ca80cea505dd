import { seededRandom } from '@spillway/kernel';
import { expect, test } from 'vitest';
import { addRequest, type Demand, firstRequest, isPast } from './demand.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

function demandOf(times: readonly number[]): Demand {
  const demand = firstRequest(times[0] ?? 0);
  for (const atMs of times.slice(1)) addRequest(demand, atMs);
  return demand;
}

/** Of every run of the requests. */
function plainDemand(times: readonly number[]): number {
  let most = 0;
  for (let from = 0; from < times.length; from += 1) {
    for (let to = from; to < times.length; to += 1) {
      const spanMs = MINUTE + (times[to] ?? 0) - (times[from] ?? 0);
      most = Math.max(most, spanMs <= 0 ? Infinity : Math.ceil(((to - from + 1) * MINUTE) / spanMs));
    }
  }
  return most;
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'it is the largest of all runs, with a clock that goes back too: seed %i',
  (seed) => {
    const random = seededRandom(seed);
    for (let round = 0; round < 40; round += 1) {
      const back = round % 2 === 0 ? 0 : Math.floor(random() * 25);
      let atMs = 1e12;
      const times = Array.from({ length: 120 }, () => {
        atMs += Math.floor(random() ** 4 * 90) * SECOND;
        return atMs - Math.floor(random() * back) * SECOND;
      });
      expect(demandOf(times).perMinute, `round ${round}`).toBe(plainDemand(times));
    }
  },
);

test('G7: a client that asks for ever leaves a handful of points', () => {
  const random = seededRandom(5);
  const demand = firstRequest(1e12);
  let atMs = 1e12;
  let most = 0;
  for (let count = 0; count < 100_000; count += 1) {
    atMs += Math.floor(random() ** 3 * 8) * SECOND;
    addRequest(demand, atMs);
    most = Math.max(most, demand.hull.length);
  }
  // Edges are steeper than the demand, each steeper than the one before it, and between them no more than the demand high.
  expect(most).toBeLessThanOrEqual(30);
});

test('G7: nor does one that asks a little faster each time', () => {
  const demand = firstRequest(1e12);
  let atMs = 1e12;
  for (let gap = 2000; gap > 60; gap -= 1) {
    atMs += gap * SECOND;
    addRequest(demand, atMs);
    expect(demand.hull.length).toBeLessThanOrEqual(2);
  }
});

test('after a minute without a request the earlier ones no longer matter, and before that they may', () => {
  const first = [0, 0, 0, 0].map((afterMs) => 1e12 + afterMs);
  const demand = demandOf(first);
  expect(demand.perMinute).toBe(4);
  expect(isPast(demand, 1e12 + MINUTE - 1)).toBe(false);
  expect(isPast(demand, 1e12 + MINUTE)).toBe(true);
  const next = (gapMs: number) => first.map((atMs) => atMs + gapMs);
  expect(plainDemand([...first, ...next(MINUTE)])).toBe(4);
  expect(plainDemand([...first, ...next(MINUTE - SECOND)])).toBe(5);
});
