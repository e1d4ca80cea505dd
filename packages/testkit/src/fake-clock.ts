import { type Clock, type Duration, toMs } from '@spillway/kernel';

export interface FakeClock extends Clock {
  advance(by: Duration): void;
  /** Also backwards: clocks step. */
  set(nowUs: number): void;
}

/** A clock that stands still until it is told to move. Default start: 2024-01-01T00:00:00Z. */
export function fakeClock(startUs = 1_704_067_200_000_000): FakeClock {
  let now = startUs;
  return {
    nowUs: () => now,
    advance: (by) => {
      now += toMs(by) * 1_000;
    },
    set: (nowUs) => {
      now = nowUs;
    },
  };
}
