import { expect, test } from 'vitest';
import { createBusiestMinute } from './busiest-minute.ts';

const MINUTE = 60_000;

test('it is the minute with the most, wherever in a log of days it lies and however late its requests come', () => {
  for (let busy = 0; busy < 8000; busy += 250) {
    const busiest = createBusiestMinute();
    for (let minute = 0; minute < 8000; minute += 1) {
      busiest.add(minute * MINUTE);
      // Ten more of the busy minute, over twenty hours.
      if (minute >= busy && minute < busy + 1200 && (minute - busy) % 120 === 0) busiest.add(busy * MINUTE + 1);
    }
    const late = Math.min(10, Math.ceil((8000 - busy) / 120));
    expect(busiest.found()).toEqual({ atMs: busy * MINUTE, count: 1 + late });
  }
});

test('of equals it is the first, and of nothing none', () => {
  const busiest = createBusiestMinute();
  expect(busiest.found()).toBeUndefined();
  for (const minute of [7, 5, 9]) busiest.add(minute * MINUTE + 1);
  expect(busiest.found()).toEqual({ atMs: 5 * MINUTE, count: 1 });
});
