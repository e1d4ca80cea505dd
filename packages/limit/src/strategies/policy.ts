import type { TokenBucketPolicy } from '../core/policy.ts';
import type { ConcurrencyPolicy } from './concurrency/policy.ts';
import type { FixedWindowPolicy } from './fixed-window/policy.ts';
import type { GcraPolicy } from './gcra/policy.ts';
import type { OwnPolicy } from './own/own-policy.ts';
import type { QuotaPolicy } from './quota/policy.ts';
import type { SlidingLogPolicy } from './sliding-log/policy.ts';
import type { SlidingWindowPolicy } from './sliding-window/policy.ts';

export type BuiltInPolicy =
  | TokenBucketPolicy
  | GcraPolicy
  | FixedWindowPolicy
  | SlidingWindowPolicy
  | SlidingLogPolicy
  | QuotaPolicy
  | ConcurrencyPolicy;

/** What may be asked of a limiter: a union by `strategy`. All have a `name`, and a `capacity`: the most that one take can get. */
export type Policy = BuiltInPolicy | OwnPolicy;

export type BuiltInName = BuiltInPolicy['strategy'];
export type StrategyName = Policy['strategy'];

export type PolicyOf<Name extends StrategyName> = Name extends BuiltInName
  ? Extract<BuiltInPolicy, { readonly strategy: Name }>
  : OwnPolicy;
