import { drainTokens, peekTokens, type TokenBucketState, takeTokens } from '../../core/token-bucket.ts';
import type { Strategy } from '../strategy.ts';
import { tokenBucketStrategy } from '../token-bucket/step.ts';
import type { GcraPolicy } from './policy.ts';

/**
 * GCRA. Its theoretical arrival time is the moment at which the bucket of the same rate will be full, so the steps are the
 * bucket's; the state is one moment too. A cost above `burst + 1` never fits, `strict` or not.
 */
export const gcraStrategy: Strategy<GcraPolicy, TokenBucketState> = {
  take: ({ bucket }, state, nowUs, cost) => takeTokens(bucket, state, nowUs, cost),
  peek: ({ bucket }, state, nowUs, cost) => peekTokens(bucket, state, nowUs, cost),
  refund: ({ bucket }, state, nowUs, cost, taken) => tokenBucketStrategy.refund(bucket, state, nowUs, cost, taken),
  expiresAtUs: ({ bucket }, state) => tokenBucketStrategy.expiresAtUs(bucket, state),
  spanUs: ({ bucket }) => bucket.rate.fullUs,
  leasing: {
    windowLeftUs: () => Number.POSITIVE_INFINITY,
    handOver: ({ bucket }, state, nowUs, units) => drainTokens(bucket, state, nowUs, units),
  },
};
