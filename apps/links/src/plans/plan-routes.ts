import type { FastifyInstance } from 'fastify';
import { validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { toFieldErrors } from '../http/field-errors.ts';
import { type FieldError, Problem, problemSchema } from '../http/problem.ts';
import { bodyFailures, failures, security } from '../http/route-schemas.ts';
import type { Authorize } from '../keys/authorize.ts';
import type { PlanSource } from '../limits/plan-source.ts';
import { parsePlan, type WrittenPlan } from './parse-plan.ts';
import { planAnswer, planBody, planParams, plansAnswer } from './plan-schemas.ts';
import { MOST_PLANS, type Removal } from './plan-store.ts';
import { showPlan, showPlans } from './show-plans.ts';

export interface PlanRoutesOptions {
  readonly source: PlanSource;
  readonly authorize: Authorize;
}

/** `/plans`, to be registered under the API's prefix: what keys may do, for those who may make them. */
export async function planRoutes(instance: FastifyInstance, { source, authorize }: PlanRoutesOptions): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  app.addHook('onRequest', authorize('keys:admin'));
  const { store } = source;
  const tags = ['plans'];
  const missing = (name: string) =>
    new Problem('not-found', { detail: `There is no plan "${name}"; list them with GET /api/v1/plans` });

  app.get(
    '/plans',
    {
      schema: {
        summary: 'The plans that are in force',
        description:
          'Those of the database, and of `PLANS_FILE` or as shipped those that it does not name. Needs the scope "keys:admin", as do the next three.',
        tags,
        security,
        response: { 200: plansAnswer, ...failures },
      },
    },
    async () => showPlans(source),
  );

  app.get(
    '/plans/:name',
    {
      schema: {
        summary: 'A plan',
        tags,
        security,
        params: planParams,
        response: { 200: planAnswer, 404: problemSchema, ...failures },
      },
    },
    async ({ params: { name } }) => {
      const plan = source.plans.byName.get(name);
      if (plan === undefined) throw missing(name);
      return showPlan(source, plan);
    },
  );

  app.put(
    '/plans/:name',
    {
      // The body is checked below, with all that is wrong with its policies. Its schema stands here for OpenAPI.
      validatorCompiler: (part) =>
        part.httpPart === 'body' ? (value: unknown) => ({ value }) : validatorCompiler(part as never),
      schema: {
        summary: 'Put a plan into the database',
        description:
          'Whole, in place of the one of that name, also one of `PLANS_FILE` or as shipped. Holds at once where it is answered, and everywhere within a second. What was taken under a policy stays taken when its limit changes.',
        tags,
        security,
        params: planParams,
        body: planBody,
        response: { 200: planAnswer, 201: planAnswer, 409: problemSchema, ...bodyFailures },
      },
    },
    async ({ params: { name }, body }, reply) => {
      const { written, isDefault } = checkBody(name, body, source);
      const change = { name, definition: JSON.stringify(written), isDefault, updatedAtMs: Date.now() };
      const outcome = await store.put(change);
      if (outcome === 'full') throw new Problem('too-many-plans', { detail: FULL });
      await source.stored.changed();
      const plan = source.plans.byName.get(name);
      // Somebody has deleted it already.
      if (plan === undefined) throw missing(name);
      return reply.code(outcome === 'made' ? 201 : 200).send(showPlan(source, plan));
    },
  );

  app.delete(
    '/plans/:name',
    {
      schema: {
        summary: 'Take a plan out of the database',
        description:
          'One of `PLANS_FILE` or as shipped is in force again then. Without one of that name it must not be the plan of a key, nor the default one: that is 409.',
        tags,
        security,
        params: planParams,
        response: { 204: z.null(), 404: problemSchema, 409: problemSchema, ...failures },
      },
    },
    async ({ params: { name } }, reply) => {
      const removal = await store.remove(name, { mayOrphan: source.base.plans.byName.has(name) });
      const problem = refusalOf(removal, name, source);
      if (problem !== undefined) throw problem === 'missing' ? missing(name) : problem;
      await source.stored.changed();
      return reply.code(204).send(null);
    },
  );
}

const FULL = `There are ${MOST_PLANS} plans in the database, as many as there may be; delete one that no key has`;

function refusalOf(removal: Removal, name: string, { base }: PlanSource): Problem | 'missing' | undefined {
  switch (removal.outcome) {
    case 'removed':
      return undefined;
    case 'missing': {
      if (!base.plans.byName.has(name)) return 'missing';
      const where = base.kind === 'file' ? 'comes from PLANS_FILE; take it out of that' : 'is shipped with the service';
      return new Problem('plan-elsewhere', {
        detail: `The plan "${name}" ${where}; a PUT of this path puts one in its place`,
      });
    }
    case 'in-use': {
      const whose = removal.keys === 1 ? '1 key has' : `${removal.keys} keys have`;
      return new Problem('plan-in-use', {
        detail: `${whose} the plan "${name}"; give them another with PATCH /api/v1/keys/ID`,
      });
    }
    case 'is-default':
      return new Problem('plan-in-use', {
        detail: `Every key has the plan "${name}" that was given none; PUT it with "default": false first, or another with "default": true`,
      });
    default:
      return removal satisfies never;
  }
}

/** @throws {Problem} with all that is wrong with it */
function checkBody(
  name: string,
  body: unknown,
  { able }: PlanSource,
): { readonly written: WrittenPlan; readonly isDefault: boolean | undefined } {
  const { data, error } = planBody.safeParse(body);
  const errors: FieldError[] = toFieldErrors(error?.issues ?? []);
  const sent = (typeof body === 'object' && body !== null && !Array.isArray(body) ? body : undefined) as
    | WrittenPlan
    | undefined;
  const written: WrittenPlan | undefined = sent && { policies: sent.policies, shadow: sent.shadow, mode: sent.mode };
  const parsed = written && parsePlan(name, written, able);
  if (parsed !== undefined && 'issues' in parsed) {
    const named = new Set(errors.map(({ field }) => field));
    const more = parsed.issues.filter(({ path }) => !named.has(path));
    errors.push(...more.map(({ path, message }) => ({ field: path, message })));
  }
  if (data === undefined || written === undefined || errors.length > 0) {
    throw new Problem('invalid-request', { detail: `${errors.length} field(s) at fault; see "errors"`, errors });
  }
  return { written, isDefault: data.default };
}
