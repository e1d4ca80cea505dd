import { defineScript, integers } from '@spillway/redis';
import type { Verdict } from '../core/decision.ts';
import type { Policy } from '../strategies/policy.ts';
import { judge } from '../core/token-bucket.ts';
import { costSpan } from '../core/token-bucket-rate.ts';
import { tokenBucketLua } from './token-bucket.lua.ts';

export interface TokenBucketInput {
  readonly operation: 'take' | 'peek';
  /** One per policy, all in one slot. */
  readonly keys: readonly string[];
  readonly policies: readonly Policy[];
  readonly cost: number;
  /** Undefined: the server's. */
  readonly nowUs: number | undefined;
}

/** For one bucket. */
export interface TokenBucketReply {
  readonly allowed: boolean;
  /** What is missing afterwards. */
  readonly us: number;
  readonly fraction: number;
}

const NAME = 'limit.token-bucket';

/** One script for any number of policies. Its reply comes in their order, and is not yet in words: see `toVerdicts`. */
export const tokenBucketScript = defineScript<TokenBucketInput, readonly TokenBucketReply[]>({
  name: NAME,
  source: tokenBucketLua,
  keys: ({ keys }) => keys,
  args: ({ operation, nowUs, policies, cost }) => [
    operation,
    nowUs ?? '',
    ...policies.flatMap(({ capacity, rate }) => {
      // A cost that never fits is sent as the smallest one that does not, which stays within what can be counted.
      const span = costSpan(rate, Math.min(cost, capacity + 1));
      return [rate.tokens, span.us, span.fraction, rate.fullUs, rate.fullFraction];
    }),
  ],
  reply(raw) {
    const numbers = integers(NAME, raw, Array.isArray(raw) ? raw.length : 0);
    const buckets: TokenBucketReply[] = [];
    for (let at = 0; at + 2 < numbers.length; at += 3) {
      buckets.push({ allowed: numbers[at] === 1, us: numbers[at + 1] ?? 0, fraction: numbers[at + 2] ?? 0 });
    }
    return buckets;
  },
});

/** The same words for what Redis decided as for what the pure step decides. */
export const toVerdicts = ({ policies, cost }: TokenBucketInput, replies: readonly TokenBucketReply[]): Verdict[] =>
  replies.flatMap((bucket, at) => {
    const policy = policies[at];
    return policy === undefined ? [] : [judge(policy, bucket, cost, bucket.allowed ? 'allowed' : 'denied')];
  });
