export type { DecidedBy, Decision, Quota, Standing, Verdict } from './core/decision.ts';
export { parsePolicy, type TokenBucketOptions, tokenBucket } from './core/parse-policy.ts';
export type { Policy, TokenBucketPolicy } from './core/policy.ts';
export { sharePolicy } from './core/share-policy.ts';
export {
  judge,
  peekTokens,
  type TokenBucketState,
  type TokenBucketStep,
  takeTokens,
} from './core/token-bucket.ts';
export { costSpan, type Span, type TokenBucketRate } from './core/token-bucket-rate.ts';
export { type ClientKeyOptions, clientKey } from './http/client-key.ts';
export {
  policyHeader,
  type RateLimitHeaders,
  rateLimitHeader,
  rateLimitHeaders,
  retryAfterSeconds,
} from './http/headers.ts';
export { type RateLimitProblem, rateLimitProblem } from './http/problem.ts';
export { createLimiter, type Limiter, type TakeOptions } from './limiter.ts';
export type { LimiterDependencies, LimiterOptions, LimitMode, OnStoreError } from './limiter-options.ts';
export { type MemoryLimitStore, type MemoryLimitStoreOptions, memoryLimitStore } from './memory/memory-store.ts';
export type { LimitDecisionMessage, LimitOverflowMessage, LimitStoreErrorMessage } from './messages.ts';
export type { LimitStore, SynchronousLimitStore } from './store.ts';
