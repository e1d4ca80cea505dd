import type { Duration } from '@spillway/kernel';
import { parseFields } from '../policy-fields.ts';

/** Every holder is kept by its id. */
const MOST_SLOTS = 10_000;

export interface ConcurrencyOptions {
  /** Stands in headers, metrics and keys: letters, digits, `.`, `_` and `-`, at most 64. */
  readonly name: string;
  /** Slots: an integer from 1 to 10,000. */
  readonly limit: number;
  /** A holder that neither renews nor releases gives its slots back after this. */
  readonly lease: Duration;
}

/**
 * At most `limit` slots are held under a running lease at any moment. A holder that outlives its lease without renewing it may
 * run beside the next one: renew well within it, and stop when it could not be renewed.
 */
export interface ConcurrencyPolicy {
  readonly strategy: 'concurrency';
  readonly name: string;
  readonly limit: number;
  readonly lease: Duration;
  /** What can be held at once: `limit`. */
  readonly capacity: number;
  readonly leaseUs: number;
}

/** @throws {ConfigurationError} with every field at fault */
export const concurrency = (options: ConcurrencyOptions): ConcurrencyPolicy =>
  parseConcurrency({ ...options, strategy: 'concurrency' });

/** From unknown data, such as a file. @throws {ConfigurationError} with every field at fault */
export const parseConcurrency = (input: unknown): ConcurrencyPolicy =>
  parseFields(input, 'concurrency', ['limit', 'lease'], (fields) => {
    const limit = fields.count('limit', 1, MOST_SLOTS);
    const lease = fields.duration('lease');
    return {
      strategy: 'concurrency',
      name: fields.name,
      limit,
      lease: lease.text,
      capacity: limit,
      leaseUs: lease.us,
    };
  });
