import { type Clock, monotonicClock } from '@spillway/kernel';

/**
 * The monotonic clock, which stands still while a request is being answered: L1 and the limiter then share one reading with the
 * metrics. A reading costs as much as a look-up in L1.
 */
export interface RequestClock extends Clock {
  /** Stops it, and says the time in milliseconds. Whoever holds it must not wait, and releases it whatever happens. */
  hold(): number;
  release(): void;
}

export function createRequestClock(clock: Clock = monotonicClock): RequestClock {
  let heldUs: number | undefined;
  return {
    nowUs: () => heldUs ?? clock.nowUs(),
    hold() {
      heldUs = clock.nowUs();
      return heldUs / 1_000;
    },
    release() {
      heldUs = undefined;
    },
  };
}
