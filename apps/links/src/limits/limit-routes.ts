import type { Limiter } from '@spillway/limit';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Problem } from '../http/problem.ts';
import { bodyFailures, security } from '../http/route-schemas.ts';
import { saying, shown } from '../http/saying.ts';
import type { Authorize } from '../keys/authorize.ts';
import { limitHeaders } from './limit-answers.ts';

const decision = z
  .object({
    outcome: z.enum(['allowed', 'denied']),
    policy: z.string(),
    limit: z.int(),
    remaining: z.int(),
    retryAfterMs: z.int().nullable(),
    resetAfterMs: z.int(),
    decidedBy: z.string(),
    degraded: z.boolean(),
  })
  .meta({ id: 'LimitDecision' });

/** `POST /limits/check`: rate limiting as a service, thin. The answer is 200 either way: a refusal is a decision, not a failure. */
export async function limitRoutes(
  instance: FastifyInstance,
  options: { readonly named: ReadonlyMap<string, Limiter>; readonly authorizeCheck: ReturnType<Authorize> },
): Promise<void> {
  const names = [...options.named.keys()].join(', ');
  const keySays = saying('must be text of 1 to 500 characters');
  const costSays = saying('must be a whole number from 1 to 1000000');
  const body = z
    .strictObject(
      {
        policy: z.string(saying(`must be one of ${names}`)).describe(`One of ${names}.`),
        key: z.string(keySays).min(1, keySays).max(500, keySays),
        cost: z
          .int({ abort: true, ...costSays })
          .min(1, costSays)
          .max(1_000_000, costSays)
          .optional(),
      },
      saying('must be an object with a policy and a key'),
    )
    .meta({ id: 'LimitCheck' });
  instance.withTypeProvider<ZodTypeProvider>().post(
    '/limits/check',
    {
      onRequest: options.authorizeCheck,
      schema: {
        summary: 'Take from a limit',
        description: 'Sends the headers that a limited route would send.',
        tags: ['limits'],
        security,
        body,
        response: { 200: decision, ...bodyFailures },
      },
    },
    async (request, reply) => {
      const { policy, key, cost = 1 } = request.body;
      request.cost = cost;
      const limiter = options.named.get(policy);
      if (limiter === undefined) {
        const message = `must be one of ${names}, got ${shown(policy)}`;
        throw new Problem('invalid-request', {
          detail: 'There is no such policy',
          errors: [{ field: 'policy', message }],
        });
      }
      const taken = await limiter.take(key, { cost });
      // In place of those of the call itself.
      reply.headers(limitHeaders(limiter, taken));
      return {
        outcome: taken.outcome,
        policy: taken.policy,
        limit: taken.limit,
        remaining: taken.remaining,
        retryAfterMs: taken.outcome === 'denied' && 'retryAfterMs' in taken ? taken.retryAfterMs : null,
        resetAfterMs: taken.resetAfterMs,
        decidedBy: taken.decidedBy,
        degraded: taken.degraded,
      };
    },
  );
}
