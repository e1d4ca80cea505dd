import type { TokenBucketState } from '../core/token-bucket.ts';
import { type ConcurrencyState, concurrencyStrategy } from './concurrency/step.ts';
import { fixedWindowStrategy } from './fixed-window/step.ts';
import { gcraStrategy } from './gcra/step.ts';
import { makingOf } from './own/made-policies.ts';
import type { OwnPolicy } from './own/own-policy.ts';
import type { BuiltInName, Policy, PolicyOf, StrategyName } from './policy.ts';
import { quotaStrategy } from './quota/step.ts';
import { type SlidingLogState, slidingLogStrategy } from './sliding-log/step.ts';
import { type SlidingWindowState, slidingWindowStrategy } from './sliding-window/step.ts';
import type { Strategy } from './strategy.ts';
import { tokenBucketStrategy } from './token-bucket/step.ts';
import type { WindowCount } from './window-count.ts';

interface States {
  readonly 'token-bucket': TokenBucketState;
  readonly gcra: TokenBucketState;
  readonly 'fixed-window': WindowCount;
  readonly 'sliding-window': SlidingWindowState;
  readonly 'sliding-log': SlidingLogState;
  readonly quota: WindowCount;
  readonly concurrency: ConcurrencyState;
}

/** What a strategy of somebody's own keeps is its own affair. */
export type StateOf<Name extends StrategyName> = Name extends BuiltInName ? States[Name] : object;
export type AnyState = object;

const strategies: { readonly [Name in BuiltInName]: Strategy<PolicyOf<Name>, StateOf<Name>> } = {
  'token-bucket': tokenBucketStrategy,
  gcra: gcraStrategy,
  'fixed-window': fixedWindowStrategy,
  'sliding-window': slidingWindowStrategy,
  'sliding-log': slidingLogStrategy,
  quota: quotaStrategy,
  concurrency: concurrencyStrategy,
};

/** The steps of a policy's strategy. A state that they are given must be one that they gave. */
export function strategyOf<Name extends StrategyName>(policy: {
  readonly strategy: Name;
}): Strategy<PolicyOf<Name>, StateOf<Name>> {
  const steps: unknown = strategies[policy.strategy as BuiltInName] ?? makingOf(policy as object as OwnPolicy).steps;
  return steps as Strategy<PolicyOf<Name>, StateOf<Name>>;
}

/** The same for a policy of whatever strategy: who keeps states does not look into them. */
export const stepsOf = (policy: Policy): Strategy<Policy, AnyState> =>
  strategyOf(policy) as Strategy<never, never> as Strategy<Policy, AnyState>;
