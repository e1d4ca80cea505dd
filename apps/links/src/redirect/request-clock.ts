import { type Clock, monotonicClock } from '@spillway/kernel';

/**
 * The monotonic clock, which stands still while a request is being answered: L1 and the limiter then share one reading with the
 * metrics. A reading costs as much as a look-up in L1.
 */
export interface RequestClock extends Clock {
  /** Stops it, and says the time in milliseconds. Whoever holds it must not wait, and releases it whatever happens. */
  hold(): number;
  release(): void;
  /**
   * Milliseconds since the Unix epoch, as `Date.now()`, which is read only every 20 ms: what the machine's clock is set by shows
   * that much later.
   */
  epochMs(): number;
}

const COMPARE_EVERY_US = 20_000;

export function createRequestClock(clock: Clock = monotonicClock, epochMs: () => number = Date.now): RequestClock {
  let heldUs: number | undefined;
  let offsetUs = 0;
  let comparedUs = Number.NEGATIVE_INFINITY;
  return {
    nowUs: () => heldUs ?? clock.nowUs(),
    hold() {
      heldUs = clock.nowUs();
      return heldUs / 1_000;
    },
    release() {
      heldUs = undefined;
    },
    epochMs() {
      const nowUs = heldUs ?? clock.nowUs();
      if (nowUs - comparedUs >= COMPARE_EVERY_US) {
        comparedUs = nowUs;
        offsetUs = epochMs() * 1_000 - nowUs;
      }
      return Math.floor((nowUs + offsetUs) / 1_000);
    },
  };
}
