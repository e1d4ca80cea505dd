import type { Duration } from '@spillway/kernel';
import { LARGEST_COUNT, parseFields } from '../policy-fields.ts';

/**
 * Where windows begin: at whole multiples of the window since the epoch, the same for all keys (`clock`), or with a key's first
 * take (`first-hit`), which spreads the moments at which clients come back.
 */
export type WindowAlign = 'clock' | 'first-hit';

export interface FixedWindowOptions {
  /** Stands in headers, metrics and keys: letters, digits, `.`, `_` and `-`, at most 64. */
  readonly name: string;
  /** Per window: an integer >= 1. */
  readonly limit: number;
  readonly window: Duration;
  /** Default `clock`. */
  readonly align?: WindowAlign;
}

/**
 * At most `limit` in each window. Across an edge two windows meet: over any interval w, at most `limit * (ceil(w / window) + 1)`,
 * which is twice the limit within one window's length. Where that is too much, take a sliding window.
 */
export interface FixedWindowPolicy {
  readonly strategy: 'fixed-window';
  readonly name: string;
  readonly limit: number;
  readonly window: Duration;
  readonly align: WindowAlign;
  /** What can be taken at once: `limit`. */
  readonly capacity: number;
  readonly windowUs: number;
}

/** @throws {ConfigurationError} with every field at fault */
export const fixedWindow = (options: FixedWindowOptions): FixedWindowPolicy =>
  parseFixedWindow({ ...options, strategy: 'fixed-window' });

/** From unknown data, such as a file. @throws {ConfigurationError} with every field at fault */
export const parseFixedWindow = (input: unknown): FixedWindowPolicy =>
  parseFields(input, 'fixed-window', ['limit', 'window', 'align'], (fields) => {
    const limit = fields.count('limit', 1, LARGEST_COUNT);
    const window = fields.duration('window');
    return {
      strategy: 'fixed-window',
      name: fields.name,
      limit,
      window: window.text,
      align: fields.choice('align', ['clock', 'first-hit'], 'clock'),
      capacity: limit,
      windowUs: window.us,
    };
  });
