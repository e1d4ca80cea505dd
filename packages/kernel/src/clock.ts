/** Where time comes from. Pure code takes `nowUs` as a number; everything around it takes a `Clock`. */
export interface Clock {
  /** Microseconds since the Unix epoch, as an integer. */
  nowUs(): number;
}

/** The machine's wall clock. It may step; intervals belong on `monotonicClock`. */
export const systemClock: Clock = { nowUs: () => Date.now() * 1000 };

/** Never steps back. Its zero is arbitrary, so its values mean nothing to another process. */
export const monotonicClock: Clock = { nowUs: () => Math.round(performance.now() * 1000) };
