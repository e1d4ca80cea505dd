import { ConfigurationError } from '@spillway/kernel';
import type { TokenBucketPolicy } from '../core/policy.ts';
import type { FixedWindowPolicy } from '../strategies/fixed-window/policy.ts';
import type { Policy, StrategyName } from '../strategies/policy.ts';
import type { QuotaPolicy } from '../strategies/quota/policy.ts';
import { quotaWindow } from '../strategies/quota/step.ts';

/** What PostgreSQL can count by, for whoever has to know before there is a store. */
export const POSTGRES_STRATEGIES: ReadonlySet<StrategyName> = new Set([
  'token-bucket',
  'gcra',
  'fixed-window',
  'quota',
]);

/** Which rows a policy understands: `kind` in the table. A window is a window, whoever says where it begins. */
export const BUCKET = 1;
export const WINDOW = 2;
const QUOTA = 3;

export const kindOf = ({ strategy }: Policy): number =>
  strategy === 'token-bucket' || strategy === 'gcra' ? BUCKET : WINDOW;

/** An array for a placeholder. Names hold nothing to escape; without quotes one could be NULL. */
export const namesOf = (policies: readonly Policy[]): string =>
  `{${policies.map(({ name }) => `"${name}"`).join(',')}}`;

/**
 * What functions.sql.ts has to know of the policies, seven integers each.
 * @param nearUs for each policy, about what time it is in the store: the windows of quotas around it go along
 */
export const numbersOf = (policies: readonly Policy[], nearUs: (at: number) => number): string =>
  `{${policies.map((policy, at) => encode(policy, nearUs, at)).join(',')}}`;

const encoded = new WeakMap<Policy, string>();

function encode(policy: Policy, nearUs: (at: number) => number, at: number): string {
  if (policy.strategy === 'quota') return quotaNumbers(policy, nearUs(at)).join(',');
  const known = encoded.get(policy);
  if (known !== undefined) return known;
  const text = lastingNumbers(policy).join(',');
  encoded.set(policy, text);
  return text;
}

function lastingNumbers(policy: Exclude<Policy, QuotaPolicy>): readonly number[] {
  switch (policy.strategy) {
    case 'token-bucket':
      return bucketNumbers(policy);
    case 'gcra':
      return bucketNumbers(policy.bucket);
    case 'fixed-window':
      return windowNumbers(policy);
    default:
      throw new ConfigurationError('The PostgreSQL limit store can not count by this policy:', [
        {
          path: policy.name,
          message: `must be one of ${[...POSTGRES_STRATEGIES].join(', ')}, got ${policy.strategy}; use the Redis store for it`,
        },
      ]);
  }
}

const bucketNumbers = ({ capacity, rate }: TokenBucketPolicy): readonly number[] => [
  BUCKET,
  rate.tokens,
  rate.tokenUs,
  rate.tokenFraction,
  rate.fullUs,
  rate.fullFraction,
  capacity,
];

const windowNumbers = ({ limit, windowUs, align }: FixedWindowPolicy): readonly number[] => [
  WINDOW,
  limit,
  windowUs,
  align === 'clock' ? 1 : 0,
  0,
  0,
  0,
];

/** The window of that time, the one before and the one after: the store's clock picks. */
function quotaNumbers(policy: QuotaPolicy, nearUs: number): readonly number[] {
  const { startUs, endUs } = quotaWindow(policy, nearUs);
  const before = quotaWindow(policy, startUs - 1);
  const after = quotaWindow(policy, endUs);
  return [QUOTA, policy.limit, before.startUs, startUs, endUs, after.endUs, 0];
}
