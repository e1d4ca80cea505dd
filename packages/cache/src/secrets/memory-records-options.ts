import type { Clock } from '@spillway/kernel';

export interface MemoryRecordsOptions {
  /** Beyond, new ones are refused with `OverloadedError`; none is given up for another. Default 100,000. */
  readonly maxEntries?: number;
  /** Intervals only; default `monotonicClock`. */
  readonly clock?: Clock;
}
