import type { Duration } from '@spillway/kernel';
import { LARGEST_COUNT, parseFields } from '../policy-fields.ts';

/** So that a state stays small: one counter each, and one more. */
const MOST_SUB_WINDOWS = 100;

export interface SlidingWindowOptions {
  /** Stands in headers, metrics and keys: letters, digits, `.`, `_` and `-`, at most 64. */
  readonly name: string;
  /** Over any interval as long as the window: an integer >= 1. */
  readonly limit: number;
  readonly window: Duration;
  /** How finely the window slides: an integer from 1 to 100. Default 10. */
  readonly subWindows?: number;
}

/**
 * At most `limit` over any interval as long as the window, wherever it begins: never one more. The error of the counters is on
 * the side of refusing: a unit counts for at least `window` and at most `window + window / subWindows`, so a key that is always
 * busy gets `limit` per that time, short of the exact log by less than `limit / subWindows` per window.
 */
export interface SlidingWindowPolicy {
  readonly strategy: 'sliding-window';
  readonly name: string;
  readonly limit: number;
  readonly window: Duration;
  readonly subWindows: number;
  /** What can be taken at once: `limit`. */
  readonly capacity: number;
  /** One sub-window; rounded up, so that `subWindows` of them are never shorter than the window. */
  readonly subUs: number;
}

/** @throws {ConfigurationError} with every field at fault */
export const slidingWindow = (options: SlidingWindowOptions): SlidingWindowPolicy =>
  parseSlidingWindow({ ...options, strategy: 'sliding-window' });

/** From unknown data, such as a file. @throws {ConfigurationError} with every field at fault */
export const parseSlidingWindow = (input: unknown): SlidingWindowPolicy =>
  parseFields(input, 'sliding-window', ['limit', 'window', 'subWindows'], (fields) => {
    const limit = fields.count('limit', 1, LARGEST_COUNT);
    const window = fields.duration('window');
    const subWindows = fields.count('subWindows', 1, MOST_SUB_WINDOWS, 10);
    return {
      strategy: 'sliding-window',
      name: fields.name,
      limit,
      window: window.text,
      subWindows,
      capacity: limit,
      subUs: Math.ceil(window.us / subWindows),
    };
  });
