import { z } from 'zod';
import { saying, sayingLength } from '../http/saying.ts';

export const ACTIONS = ['take', 'peek', 'refund', 'reset', 'block'] as const;
const ON_STORE_ERROR = ['share', 'allow', 'deny'] as const;
const MOST_POLICIES = 8;

const keySays = saying('must be text of 1 to 500 characters');
const costSays = saying('must be a whole number from 1 to 1000000');
const idSays = saying('must be text of 1 to 200 characters');

/** A check as it is sent. `names` are those of the policies that there are now. */
export function checkSchema(names: () => readonly string[]) {
  const policySays = {
    error: (issue: { readonly input?: unknown }) => saying(`must be one of ${names().join(', ')}`).error(issue),
  };
  const policy = z.union([z.string(), z.record(z.string(), z.unknown())], policySays);
  return z
    .strictObject(
      {
        policy: policy
          .optional()
          .describe(
            'The name of a policy of the plans (`free`, or `premium/minute` where plans have different ones of that name), or a policy written out: `{ "strategy": "fixed-window", "name": "mails", "limit": 10, "window": "1h" }`. Strategies: token-bucket, gcra, fixed-window, quota; in memory and Redis also sliding-window, sliding-log and concurrency.',
          ),
        policies: z
          .array(policy, saying('must be a list of policies'))
          .min(1, sayingLength('must have at least one policy'))
          .max(MOST_POLICIES, sayingLength(`must have at most ${MOST_POLICIES} policies`))
          .optional()
          .describe('In place of `policy`: several, all names or all written out. All of them are charged, or none.'),
        plan: z
          .string(saying('must be the name of a plan'))
          .optional()
          .describe('In place of `policy`: all policies of a plan.'),
        key: z
          .string(keySays)
          .min(1, keySays)
          .max(500, keySays)
          .describe('Whom to charge. Keys of different API keys are apart.'),
        action: z
          .enum(ACTIONS, saying(`must be one of ${ACTIONS.join(', ')}`))
          .optional()
          .describe(
            'Default `take`. `peek`: how a take would end. `refund`: gives back what a take got. `reset`: forgets what was taken, and a block. `block`: refuses every take `for` so long.',
          ),
        cost: z
          .int({ abort: true, ...costSays })
          .min(1, costSays)
          .max(1_000_000, costSays)
          .optional()
          .describe('Default 1.'),
        id: z
          .string(idSays)
          .min(1, idSays)
          .max(200, idSays)
          .optional()
          .describe(
            'Names a take: it is charged once, however often it is repeated within ten minutes. Slots (concurrency) are held by it until they are refunded with it.',
          ),
        receipt: z
          .string(saying('must be the "receipt" of a take'))
          .regex(RECEIPT, saying('must be the "receipt" of a take'))
          .optional()
          .describe('For `refund`: of the answer to the take, so that it goes back into the window it came from.'),
        for: z
          .string(saying('must be a duration like "10m"'))
          .optional()
          .describe('For `block`: a duration like `10m`.'),
        onStoreError: z
          .enum(ON_STORE_ERROR, saying(`must be one of ${ON_STORE_ERROR.join(', ')}`))
          .optional()
          .describe(
            'When the store does not answer. Default `share`: this instance admits its part of the limit. `allow`, `deny`: without counting.',
          ),
      },
      saying('must be an object with a policy and a key'),
    )
    .meta({ id: 'LimitCheck' });
}

export type CheckBody = z.output<ReturnType<typeof checkSchema>>;

/** Who charged it and when. Callers give it back as it is. */
export const RECEIPT = /^(store|lease|local-block|share|store-error-policy)\.(\d{1,16})$/;

const quota = z
  .object({
    policy: z.string(),
    limit: z.int(),
    remaining: z.int(),
    refillAfterMs: z.int().describe('Until one more is there; 0 when nothing is missing.'),
    resetAfterMs: z.int().describe('Until nothing is missing.'),
  })
  .meta({ id: 'LimitQuota' });

export const checkAnswer = quota
  .extend({
    action: z.enum(ACTIONS),
    outcome: z
      .enum(['allowed', 'denied'])
      .describe('After another action than take: of a take of this cost, were it made now.'),
    reason: z
      .enum(['exhausted', 'cost-exceeds-capacity', 'blocked', 'store-unavailable'])
      .nullable()
      .describe('Of a refusal.'),
    retryAfterMs: z.int().nullable().describe('Of a refusal that waiting ends.'),
    violatedPolicies: z.array(z.string()).describe('Those that refused.'),
    quotas: z.array(quota).describe('How each policy stands. The fields beside are those of the one that binds.'),
    decidedBy: z.enum(['store', 'lease', 'local-block', 'share', 'store-error-policy']),
    degraded: z.boolean().describe('The store should have decided, and could not.'),
    receipt: z.string().nullable().describe('Of a take that was allowed: for its refund.'),
  })
  .meta({ id: 'LimitDecision' });
