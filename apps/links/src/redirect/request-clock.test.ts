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

test('it tells the time of day by the machine, which it asks every 20 ms', () => {
  let nowUs = 7_000_400;
  let machineMs = 1_000_000;
  const clock = createRequestClock({ nowUs: () => nowUs }, () => machineMs);
  expect(clock.epochMs()).toBe(1_000_000);
  nowUs += 19_999;
  machineMs = 5;
  expect(clock.epochMs()).toBe(1_000_019);
  nowUs += 1;
  expect(clock.epochMs()).toBe(5);
  clock.hold();
  nowUs += 10_000;
  expect(clock.epochMs()).toBe(5);
  clock.release();
  expect(clock.epochMs()).toBe(15);
});
