import type { TokenBucketPolicy } from '../../core/policy.ts';
import { isFull, peekTokens, type TokenBucketState, takeTokens } from '../../core/token-bucket.ts';
import { costSpan } from '../../core/token-bucket-rate.ts';
import type { Strategy } from '../strategy.ts';

/**
 * The token bucket of `core/token-bucket.ts` among the other strategies. A refund pulls the moment at which the bucket will be
 * full closer, and is not told apart from tokens that have come back by themselves: a bucket has no windows, only a level.
 */
export const tokenBucketStrategy: Strategy<TokenBucketPolicy, TokenBucketState> = {
  take: takeTokens,
  peek: peekTokens,
  refund: refundTokens,
  expiresAtUs: (_, { fullAtUs, fraction }) => fullAtUs + (fraction > 0 ? 1 : 0),
  spanUs: ({ rate }) => rate.fullUs,
};

function refundTokens(
  { capacity, rate }: TokenBucketPolicy,
  state: TokenBucketState | undefined,
  nowUs: number,
  cost: number,
): TokenBucketState | undefined {
  if (state === undefined || isFull(state, nowUs)) return state;
  // A fraction over the denominator was written under another rate: it is rounded up, as a take does.
  const isForeign = state.fraction >= rate.tokens;
  const fullAtUs = isForeign ? state.fullAtUs + 1 : state.fullAtUs;
  const fraction = isForeign ? 0 : state.fraction;
  const back = costSpan(rate, Math.min(cost, capacity));
  const borrowed = fraction < back.fraction;
  const after = {
    fullAtUs: fullAtUs - back.us - (borrowed ? 1 : 0),
    fraction: fraction - back.fraction + (borrowed ? rate.tokens : 0),
  };
  return after.fullAtUs < nowUs || (after.fullAtUs === nowUs && after.fraction === 0) ? undefined : after;
}
