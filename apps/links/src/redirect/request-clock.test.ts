import { expect, test } from 'vitest';
import { createRequestClock } from './request-clock.ts';

test('it goes as the clock behind it, stands still while held, and goes on when released', () => {
  let nowUs = 5_000;
  const clock = createRequestClock({ nowUs: () => nowUs });
  expect(clock.nowUs()).toBe(5_000);
  nowUs = 0;
  expect(clock.hold()).toBe(0);
  nowUs = 9_000;
  expect(clock.nowUs()).toBe(0);
  expect(clock.hold()).toBe(9);
  clock.release();
  nowUs = 11_000;
  expect(clock.nowUs()).toBe(11_000);
});
