import type { Duration } from '@spillway/kernel';
import type { TokenBucketPolicy } from '../../core/policy.ts';
import { tokenBucketRate } from '../../core/token-bucket-rate.ts';
import { LARGEST_COUNT, LONGEST_US, parseFields } from '../policy-fields.ts';

export interface GcraOptions {
  /** Stands in headers, metrics and keys: letters, digits, `.`, `_` and `-`, at most 64. */
  readonly name: string;
  /** How many come through per `every`, evenly spaced: one each `every / limit`. */
  readonly limit: number;
  readonly every: Duration;
  /**
   * How many may come ahead of that spacing: an integer >= 0. Default `limit - 1`: a whole period's worth at once. `strict` is
   * 0: never two closer than `every / limit`.
   */
  readonly burst?: number | 'strict';
}

/**
 * The generic cell rate algorithm (ITU-T I.371): one each `every / limit`, and up to `burst` ahead of it.
 * Admits over any interval w at most `burst + 1 + w * limit / every`.
 */
export interface GcraPolicy {
  readonly strategy: 'gcra';
  readonly name: string;
  readonly limit: number;
  readonly every: Duration;
  readonly burst: number;
  /** What can be taken at once: `burst + 1`. */
  readonly capacity: number;
  /** The same limit as a bucket: virtual scheduling and a continuously refilled bucket are one arithmetic. */
  readonly bucket: TokenBucketPolicy;
}

/** @throws {ConfigurationError} with every field at fault */
export const gcra = (options: GcraOptions): GcraPolicy => parseGcra({ ...options, strategy: 'gcra' });

/** From unknown data, such as a file. @throws {ConfigurationError} with every field at fault */
export const parseGcra = (input: unknown): GcraPolicy =>
  parseFields(input, 'gcra', ['limit', 'every', 'burst'], (fields) => {
    const limit = fields.count('limit', 1, LARGEST_COUNT);
    const every = fields.duration('every');
    const burst = fields.input.burst === 'strict' ? 0 : fields.count('burst', 0, LARGEST_COUNT - 1, limit - 1);
    const capacity = burst + 1;
    const rate = tokenBucketRate(capacity, limit, every.us);
    if (fields.issues.length === 0 && (rate === undefined || rate.fullUs > LONGEST_US)) {
      const message = `with a burst of ${burst} can not be counted exactly, got ${limit} every ${every.text}; use rounder numbers, a smaller burst or a shorter time`;
      fields.issues.push({ path: 'limit', message });
    }
    return {
      strategy: 'gcra',
      name: fields.name,
      limit,
      every: every.text,
      burst,
      capacity,
      bucket: Object.freeze({
        strategy: 'token-bucket',
        name: fields.name,
        capacity,
        refill: Object.freeze({ tokens: limit, every: every.text }),
        rate: Object.freeze(rate ?? HARMLESS),
      }),
    };
  });

// Stands in until the issue is thrown.
const HARMLESS = { tokens: 1, everyUs: 1, tokenUs: 1, tokenFraction: 0, fullUs: 1, fullFraction: 0 };
