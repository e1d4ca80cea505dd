import type { Random } from '@spillway/kernel';

/** Exponential delays with full jitter over the upper half, so that many producers do not knock in step. */
export interface Backoff {
  /** The delay before the next try, in milliseconds. */
  next(): number;
  reset(): void;
}

export function createBackoff(firstMs: number, lastMs: number, random: Random = Math.random): Backoff {
  let ceiling = firstMs;
  return {
    next() {
      const delay = ceiling * (0.5 + random() / 2);
      ceiling = Math.min(ceiling * 2, lastMs);
      return delay;
    },
    reset() {
      ceiling = firstMs;
    },
  };
}
