import type { Duration } from '@spillway/kernel';
import { parseFields } from '../policy-fields.ts';

/** A log holds up to one entry per unit; beyond this a counter is the right tool. */
const LARGEST_LOG = 10_000;

export interface SlidingLogOptions {
  /** Stands in headers, metrics and keys: letters, digits, `.`, `_` and `-`, at most 64. */
  readonly name: string;
  /** Over any interval as long as the window: an integer from 1 to 10,000. */
  readonly limit: number;
  readonly window: Duration;
}

/**
 * At most `limit` over any interval as long as the window, and never one fewer: exact on both sides. The price is an entry per
 * take, at most `limit` of them per key.
 */
export interface SlidingLogPolicy {
  readonly strategy: 'sliding-log';
  readonly name: string;
  readonly limit: number;
  readonly window: Duration;
  /** What can be taken at once: `limit`. */
  readonly capacity: number;
  readonly windowUs: number;
}

/** @throws {ConfigurationError} with every field at fault */
export const slidingLog = (options: SlidingLogOptions): SlidingLogPolicy =>
  parseSlidingLog({ ...options, strategy: 'sliding-log' });

/** From unknown data, such as a file. @throws {ConfigurationError} with every field at fault */
export const parseSlidingLog = (input: unknown): SlidingLogPolicy =>
  parseFields(input, 'sliding-log', ['limit', 'window'], (fields) => {
    const limit = fields.count('limit', 1, LARGEST_LOG);
    const window = fields.duration('window');
    return {
      strategy: 'sliding-log',
      name: fields.name,
      limit,
      window: window.text,
      capacity: limit,
      windowUs: window.us,
    };
  });
