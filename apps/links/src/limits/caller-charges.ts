import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { Problem } from '../http/problem.ts';
import type { ChargeCaller } from '../keys/authorize.ts';
import type { Caller } from '../keys/scopes.ts';
import type { CountedLimiter } from './counted-limiter.ts';
import type { KeyPlans, PlanAnswer } from './key-plans.ts';
import { charge, limitHeaders, limitProblem } from './limit-answers.ts';

/** What calls of the API cost their key: by its plan, or where it has none by the limit of all those keys. */
export interface CallerCharges {
  readonly call: ChargeCaller;
  /**
   * For a call that is charged by its rows, once they are known; one that is repeated with its `Idempotency-Key` is charged once, also
   * where the first attempt was charged and then came to nothing.
   * @throws {Problem} when they are more than the key has left
   */
  rows(caller: Caller, reply: FastifyReply, rows: readonly unknown[]): Promise<void>;
}

export function createCallerCharges(plans: KeyPlans, api: CountedLimiter | undefined): CallerCharges {
  return {
    async call(caller, reply, charging) {
      // A repetition may be paid for already: that is known with its rows.
      if (charging === 'by-rows' && idempotencyKeyOf(reply) !== undefined && plans.has(caller)) return;
      // Of one that is charged later, who has nothing left is not read.
      const answer = charging === 'by-rows' ? await plans.peek(caller, 1) : await plans.take(caller, 1);
      if (answer === undefined) charge(api, caller.id, reply);
      else tell(answer, reply);
    },
    async rows(caller, reply, rows) {
      if (caller.kind === 'admin') return;
      if (!plans.has(caller)) return;
      const cost = rows.length;
      const answer = await plans.take(caller, cost, idOf(idempotencyKeyOf(reply), rows));
      if (answer === undefined) return;
      if (isTooMuchForShare(answer, cost)) {
        const detail = `Of your plan's limit only a part can be had right now, which is less than ${cost} rows; send fewer at once, or try again later`;
        throw new Problem('unavailable', { detail, retryAfter: RETRY_S });
      }
      tell(answer, reply);
    },
  };
}

const idempotencyKeyOf = ({ request }: FastifyReply): string | undefined => {
  const key = request.headers['idempotency-key'];
  return typeof key === 'string' ? key : undefined;
};

/** Of the rows too: other rows under a used key are no repetition. */
const idOf = (key: string | undefined, rows: readonly unknown[]): string | undefined =>
  key === undefined
    ? undefined
    : `batch:${createHash('sha256')
        .update(JSON.stringify([key, rows]))
        .digest('base64url')}`;

/** As long as an outage may last before it is worth asking again. */
const RETRY_S = 5;

/** What never fits into this instance's part of the limit may fit into the whole, once the store is back. */
const isTooMuchForShare = ({ decision, policies }: PlanAnswer, cost: number): boolean =>
  decision.outcome === 'denied' &&
  decision.reason === 'cost-exceeds-capacity' &&
  decision.degraded &&
  policies.every(({ capacity }) => cost <= capacity);

function tell({ decision, policies }: PlanAnswer, reply: FastifyReply): void {
  const problem = limitProblem({ policies }, decision);
  if (problem !== undefined) throw problem;
  reply.headers(limitHeaders({ policies }, decision));
}
