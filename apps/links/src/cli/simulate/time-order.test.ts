import { expect, test } from 'vitest';
import { createTimeOrder } from './time-order.ts';

function ordered(times: readonly number[], options: { withinMs: number; mostHeld?: number }) {
  const passed: [string, number][] = [];
  const order = createTimeOrder((subject, atMs) => passed.push([subject, atMs]), options);
  for (const [at, atMs] of times.entries()) order.add(`${at}`, atMs);
  order.end();
  return { passed, disordered: order.disordered(), late: order.late() };
}

test('requests within the stretch are put in order, and equal times keep the order of the log', () => {
  const times = [5000, 3000, 5000, 4000, 3000, 9000, 8000];
  expect(ordered(times, { withinMs: 10_000 })).toEqual({
    passed: [
      ['1', 3000],
      ['4', 3000],
      ['3', 4000],
      ['0', 5000],
      ['2', 5000],
      ['6', 8000],
      ['5', 9000],
    ],
    disordered: 4,
    late: 0,
  });
});

test('without a stretch they are passed on as they stand', () => {
  const times = [5000, 3000, 5000, 4000, 6000];
  const { passed, late } = ordered(times, { withinMs: 0 });
  expect(passed.map(([, atMs]) => atMs)).toEqual(times);
  expect(late).toBe(2);
});

test('what comes too late is passed on at once, and told', () => {
  const { passed, disordered, late } = ordered([1000, 2000, 60_000, 1500, 50_000, 61_000], { withinMs: 20_000 });
  expect(passed.map(([, atMs]) => atMs)).toEqual([1000, 2000, 1500, 50_000, 60_000, 61_000]);
  expect({ disordered, late }).toEqual({ disordered: 2, late: 1 });
});

test('G7: no more are held than may be', () => {
  const times = Array.from({ length: 1000 }, (_, at) => (at % 2 === 0 ? at : at - 3) * 1000);
  const { passed, late } = ordered(times, { withinMs: 3_600_000, mostHeld: 20 });
  expect(passed.map(([, atMs]) => atMs)).toEqual(times.toSorted((a, b) => a - b));
  expect(late).toBe(0);
});
