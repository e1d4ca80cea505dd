import type { Clock } from '@spillway/kernel';

/**
 * The wall clock for windows that begin at given times of day, beside the steady clock that all else is counted by.
 *
 * Set forward, it is followed at once. Set back, it stands still, since the windows that it would show again have been counted and
 * perhaps dropped: until it has caught up, or for the length of a window, after which nothing of what was counted then is in
 * the last one.
 */
export class CalendarClock {
  readonly #wall: Clock;
  #latestUs = 0;
  /** By the steady clock: when it was `latestUs`. */
  #latestAtUs = 0;
  #leastAheadUs = Number.POSITIVE_INFINITY;

  constructor(wall: Clock) {
    this.#wall = wall;
  }

  nowUs(steadyUs: number, windowUs: number): number {
    const wallUs = this.#wall.nowUs();
    if (wallUs >= this.#latestUs || steadyUs - this.#latestAtUs >= windowUs) {
      this.#latestUs = wallUs;
      this.#latestAtUs = steadyUs;
    }
    this.#leastAheadUs = Math.min(this.#leastAheadUs, this.#latestUs - steadyUs);
    return this.#latestUs;
  }

  /** What it showed at a moment of the steady clock, or earlier: it may have been set since. After a first `nowUs`. */
  atLeastAt(steadyUs: number): number {
    return Math.max(0, steadyUs + this.#leastAheadUs);
  }
}
