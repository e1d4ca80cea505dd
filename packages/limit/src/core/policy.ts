import type { Duration } from '@spillway/kernel';
import type { TokenBucketRate } from './token-bucket-rate.ts';

/**
 * A bucket of `capacity` tokens that refills continuously, `refill.tokens` every `refill.every`, up to `capacity`.
 * Admits over any interval w at most `capacity + w * refill.tokens / refill.every`.
 */
export interface TokenBucketPolicy {
  readonly strategy: 'token-bucket';
  /** Stands in headers, metrics and keys: letters, digits, `.`, `_` and `-`, at most 64. */
  readonly name: string;
  /** The largest burst, in tokens. */
  readonly capacity: number;
  readonly refill: { readonly tokens: number; readonly every: Duration };
  /** Derived once by the parser: the same numbers in exact integers. */
  readonly rate: TokenBucketRate;
}
