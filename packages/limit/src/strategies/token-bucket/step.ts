import type { TokenBucketPolicy } from '../../core/policy.ts';
import { drainTokens, isFull, peekTokens, type TokenBucketState, takeTokens } from '../../core/token-bucket.ts';
import { costSpan } from '../../core/token-bucket-rate.ts';
import type { Strategy, Taken } from '../strategy.ts';

/**
 * The token bucket of `core/token-bucket.ts` among the other strategies. A bucket has no windows, only a level: what has refilled
 * since a take is nobody's to give back. So a refund pulls the moment at which the bucket will be full closer by the time of its
 * tokens, less the time since they were taken; never is more admitted than if only the tokens that were spent had been charged.
 */
export const tokenBucketStrategy: Strategy<TokenBucketPolicy, TokenBucketState> = {
  take: takeTokens,
  peek: peekTokens,
  refund: refundTokens,
  expiresAtUs: (_, { fullAtUs, fraction }) => fullAtUs + (fraction > 0 ? 1 : 0),
  spanUs: ({ rate }) => rate.fullUs,
  leasing: {
    windowLeftUs: () => Number.POSITIVE_INFINITY,
    handOver: drainTokens,
  },
};

function refundTokens(
  { capacity, rate }: TokenBucketPolicy,
  state: TokenBucketState | undefined,
  nowUs: number,
  cost: number,
  { atUs = nowUs }: Taken = {},
): TokenBucketState | undefined {
  if (state === undefined || isFull(state, nowUs)) return state;
  const whole = costSpan(rate, Math.min(cost, capacity));
  // A clock that went back behind the take: no time has passed.
  const back = { us: whole.us - Math.max(0, nowUs - atUs), fraction: whole.fraction };
  if (back.us < 0 || (back.us === 0 && back.fraction === 0)) return state;
  // A fraction over the denominator was written under another rate: it is rounded up, as a take does.
  const isForeign = state.fraction >= rate.tokens;
  const fullAtUs = isForeign ? state.fullAtUs + 1 : state.fullAtUs;
  const fraction = isForeign ? 0 : state.fraction;
  const borrowed = fraction < back.fraction;
  const after = {
    fullAtUs: fullAtUs - back.us - (borrowed ? 1 : 0),
    fraction: fraction - back.fraction + (borrowed ? rate.tokens : 0),
  };
  return after.fullAtUs < nowUs || (after.fullAtUs === nowUs && after.fraction === 0) ? undefined : after;
}
