import { type Clock, type Duration, toMs } from '@spillway/kernel';

/** A clock that only moves when told. Starts at a real date, since stores may compare it with their own. */
export interface FakeClock extends Clock {
  advance(by: Duration): void;
  advanceUs(us: number): void;
}

export function createFakeClock(startUs = 1_763_000_000_000_000): FakeClock {
  let nowUs = startUs;
  return {
    nowUs: () => nowUs,
    advance: (by) => {
      nowUs += toMs(by) * 1000;
    },
    advanceUs: (us) => {
      nowUs += us;
    },
  };
}
