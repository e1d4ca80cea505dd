export type { DecidedBy, Decision, Quota, Standing, Verdict } from './core/decision.ts';
export { type TokenBucketOptions, tokenBucket } from './core/parse-token-bucket.ts';
export type { TokenBucketPolicy } from './core/policy.ts';
export {
  judge,
  peekTokens,
  type TokenBucketState,
  type TokenBucketStep,
  takeTokens,
} from './core/token-bucket.ts';
export { costSpan, type Span, type TokenBucketRate } from './core/token-bucket-rate.ts';
export { LimiterClosedError } from './errors.ts';
export { type ClientKeyOptions, clientKey } from './http/client-key.ts';
export {
  policyHeader,
  type RateLimitHeaders,
  rateLimitHeader,
  rateLimitHeaders,
  retryAfterSeconds,
} from './http/headers.ts';
export { type RateLimitProblem, rateLimitProblem } from './http/problem.ts';
export type { LeaseOptions } from './lease/lease-options.ts';
export { createLimiter } from './limiter.ts';
export type {
  Limiter,
  PeekOptions,
  RefundOptions,
  TakeOptions,
  TakingLimiter,
  WaitOptions,
} from './limiter-contract.ts';
export type { LimiterDependencies, LimiterOptions, LimitMode, OnStoreError } from './limiter-options.ts';
export {
  type MemoryLimitStats,
  type MemoryLimitStore,
  type MemoryLimitStoreOptions,
  memoryLimitStore,
} from './memory/memory-store.ts';
export type {
  LimitBlockMessage,
  LimitBoundMessage,
  LimitDecisionMessage,
  LimitLeaseMessage,
  LimitOverflowMessage,
  LimitShadowMessage,
  LimitStoreErrorMessage,
  LimitStoreMessage,
  LimitUnknownPlanMessage,
} from './messages.ts';
export {
  createMixedLimiter,
  type MixedLimiter,
  type MixedLimiterOptions,
  type Subjects,
} from './mixed/mixed-limiter.ts';
export { createPlanBook, type PlanBook, type PlanBookOptions } from './plans/plan-book.ts';
export { openPlanFile, type PlanFile, type PlanFileOptions } from './plans/plan-file.ts';
export {
  compositeKey,
  createPlanLimiter,
  type PlanLimiter,
  type PlanLimiterOptions,
  type PlannedDecision,
  type PlannedOptions,
  type PlannedTakeOptions,
} from './plans/plan-limiter.ts';
export {
  type Plan,
  type PlanAbilities,
  type PlanMode,
  type Plans,
  parsePlans,
  refuseUnable,
  shippedPlans,
} from './plans/plans.ts';
export type {
  LimitStore,
  MixedOperations,
  Owed,
  Refund,
  Reserve,
  Reserved,
  SynchronousLimitStore,
  Take,
} from './store.ts';
export {
  type ConcurrencyOptions,
  type ConcurrencyPolicy,
  concurrency,
} from './strategies/concurrency/policy.ts';
export {
  type FixedWindowOptions,
  type FixedWindowPolicy,
  fixedWindow,
} from './strategies/fixed-window/policy.ts';
export { type GcraOptions, type GcraPolicy, gcra } from './strategies/gcra/policy.ts';
export {
  defineStrategy,
  type OwnFields,
  type OwnStrategy,
  type StrategyDefinition,
} from './strategies/own/define-strategy.ts';
export type { OwnPolicy } from './strategies/own/own-policy.ts';
export { parsePolicy } from './strategies/parse-policy.ts';
export type { Policy, StrategyName } from './strategies/policy.ts';
export type { PolicyFields } from './strategies/policy-fields.ts';
export { type QuotaOptions, type QuotaPolicy, quota } from './strategies/quota/policy.ts';
export { sharePolicy } from './strategies/share-policy.ts';
export { type SlidingLogOptions, type SlidingLogPolicy, slidingLog } from './strategies/sliding-log/policy.ts';
export {
  type SlidingWindowOptions,
  type SlidingWindowPolicy,
  slidingWindow,
} from './strategies/sliding-window/policy.ts';
export type { Leasing, Step, Strategy, Taken } from './strategies/strategy.ts';
export { strategyOf } from './strategies/strategy-of.ts';
export { verdictOf } from './strategies/verdict.ts';
