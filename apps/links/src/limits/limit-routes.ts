import { StoreUnavailableError } from '@spillway/kernel';
import type { Decision } from '@spillway/limit';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { validatorCompiler } from 'fastify-type-provider-zod';
import type { z } from 'zod';
import { Problem } from '../http/problem.ts';
import { bodyFailures, security } from '../http/route-schemas.ts';
import type { Authorize } from '../keys/authorize.ts';
import { checkAnswer, checkSchema } from './check-schemas.ts';
import { namesOf } from './checked-policies.ts';
import { limitHeaders } from './limit-answers.ts';
import type { LimitChecks } from './limit-checks.ts';
import { parseCheck, receiptOf, type Wanted } from './parse-check.ts';

/** `POST /limits/check`: rate limiting as a service. The answer is 200 either way: a refusal is a decision, not a failure. */
export async function limitRoutes(
  instance: FastifyInstance,
  { checks, authorizeCheck }: { readonly checks: LimitChecks; readonly authorizeCheck: ReturnType<Authorize> },
): Promise<void> {
  const schema = checkSchema(() => namesOf(checks.plans));
  instance.withTypeProvider<ZodTypeProvider>().post(
    '/limits/check',
    {
      onRequest: authorizeCheck,
      // The body is checked below: what is right depends on the plans. Its schema stands here for OpenAPI.
      validatorCompiler: (part) =>
        part.httpPart === 'body' ? (value: unknown) => ({ value }) : validatorCompiler(part as never),
      schema: {
        summary: 'Take from a limit',
        description:
          'Rate limiting for other programs: charges a key of theirs by one policy or several, named or written out, and tells the decision. 200 also for a refusal. Sends the headers that a limited route would send.',
        tags: ['limits'],
        security,
        body: schema,
        response: { 200: checkAnswer, ...bodyFailures },
      },
    },
    async (request, reply) => {
      const wanted = parseCheck(request.body, request.caller.id, checks, schema);
      if ('errors' in wanted) {
        const { errors } = wanted;
        throw new Problem('invalid-request', { detail: `${errors.length} field(s) at fault; see "errors"`, errors });
      }
      request.cost = wanted.check.cost;
      const decision = await decisionFor(wanted, checks);
      if (wanted.action === 'take' && decision.outcome === 'denied') {
        request.deniedBy = decision.violatedPolicies[0] ?? decision.policy;
      }
      // In place of those of the call itself.
      reply.headers(limitHeaders(wanted.check.by, decision));
      return toAnswer(wanted.action, decision);
    },
  );
}

async function decisionFor(wanted: Wanted, checks: LimitChecks): Promise<Decision> {
  const { check } = wanted;
  if (wanted.action === 'take') return checks.take(check);
  try {
    if (wanted.action === 'refund') await checks.refund(check, wanted.of);
    else if (wanted.action === 'reset') await checks.reset(check);
    else if (wanted.action === 'block') await checks.block(check, wanted.duration);
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    const detail =
      'The store of the limits does not answer; what was asked may have been done all the same. A refund is safe to repeat with the id of its take, a reset and a block always';
    throw new Problem('unavailable', { detail, retryAfter: 1 });
  }
  return checks.peek(wanted.action === 'peek' ? check : { ...check, cost: 1 });
}

function toAnswer(action: Wanted['action'], decision: Decision): z.output<typeof checkAnswer> {
  const { policy, limit, remaining, refillAfterMs, resetAfterMs } = decision;
  const own = { policy, limit, remaining, refillAfterMs, resetAfterMs };
  const isRefused = decision.outcome === 'denied';
  return {
    action,
    outcome: decision.outcome,
    reason: isRefused ? decision.reason : null,
    ...own,
    retryAfterMs: isRefused && 'retryAfterMs' in decision ? decision.retryAfterMs : null,
    violatedPolicies: isRefused ? [...decision.violatedPolicies] : [],
    quotas: (decision.quotas ?? [own]).map((quota) => ({ ...quota })),
    decidedBy: decision.decidedBy,
    degraded: decision.degraded,
    receipt: action === 'take' ? receiptOf(decision) : null,
  };
}
