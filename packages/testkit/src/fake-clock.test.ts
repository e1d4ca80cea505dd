import { expect, test } from 'vitest';
import { fakeClock } from './fake-clock.ts';

test('a fake clock moves when it is told to, and not else', () => {
  const clock = fakeClock(1_000);
  expect(clock.nowUs()).toBe(1_000);
  clock.advance('1.5s');
  expect(clock.nowUs()).toBe(1_501_000);
  clock.set(5);
  expect(clock.nowUs()).toBe(5);
});
