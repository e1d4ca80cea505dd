import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { Problem, problemSchema } from '../http/problem.ts';
import { bodyFailures, failures, PLAIN_TEXT, security } from '../http/route-schemas.ts';
import { futureTime, saying } from '../http/saying.ts';
import type { KeyPlans } from '../limits/key-plans.ts';
import { hashApiKey } from './api-key.ts';
import { type Authorize, keyOf } from './authorize.ts';
import type { KeyRecord } from './key-store.ts';
import type { Keys } from './keys.ts';
import { ADMIN, SCOPES, type Scope, scopeSchema } from './scopes.ts';

const nameSays = saying('must be text of 1 to 100 characters');
const plainSays = saying('must have no control characters, and only whole Unicode characters');
const name = z.string(nameSays).trim().min(1, nameSays).max(100, nameSays).regex(PLAIN_TEXT, plainSays);
const scopes = z
  .array(scopeSchema, saying(`must be a list of ${SCOPES.join(', ')}`))
  .min(1, saying(`must have at least one of ${SCOPES.join(', ')}`))
  .transform((list): Scope[] => [...new Set(list)]);
const body = saying('must be an object with a name and scopes');
const plan = z
  .string(saying('must be the name of a plan, or null'))
  .nullable()
  .optional()
  .describe('The name of its plan: `free`, `premium`, or what `PLANS_FILE` or `/plans` has. null: none of its own.');
const limits = z
  .array(z.record(z.string(), z.unknown(), saying('must be a policy')), saying('must be a list of policies, or null'))
  .max(20, saying('must have at most 20 policies'))
  .nullable()
  .optional()
  .describe('Policies in place of those of the same name in its plan. null: those of the plan.');

const newKey = z
  .strictObject({ name, scopes, expiresAt: futureTime.nullable().optional(), plan, limits }, body)
  .meta({ id: 'NewKey' });
const keyEdit = z
  .strictObject(
    { name: name.optional(), scopes: scopes.optional(), expiresAt: futureTime.nullable().optional(), plan, limits },
    body,
  )
  .meta({ id: 'KeyEdit' });
const keyAnswer = z
  .object({
    id: z.string(),
    name: z.string(),
    hint: z.string().describe('The first characters of the key.'),
    scopes: z.array(scopeSchema),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
    plan: z
      .string()
      .nullable()
      .describe('null: the default plan of `/plans` or `PLANS_FILE`, without one the limit `LIMIT_API`.'),
    limits: z.array(z.record(z.string(), z.unknown())).nullable(),
  })
  .meta({ id: 'Key' });
const newKeyAnswer = keyAnswer
  .extend({ key: z.string().describe('The key. Shown this once.') })
  .meta({ id: 'ShownKey' });
const params = z.object({
  id: z.string().max(100, saying('must have at most 100 characters')).regex(PLAIN_TEXT, plainSays),
});

/** `/keys`, to be registered under the API's prefix. */
export async function keyRoutes(
  instance: FastifyInstance,
  { keys, plans, authorize }: { readonly keys: Keys; readonly plans: KeyPlans; readonly authorize: Authorize },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  app.addHook('onRequest', authorize('keys:admin'));
  const missing = (id: string) =>
    new Problem('not-found', { detail: `There is no key "${id}"; list them with GET /api/v1/keys` });
  /** A key that revoked itself could lock everybody out. */
  const ownKey = (id: string) => {
    const remedy =
      id === ADMIN.id
        ? 'start the service with another ADMIN_KEY, and ask with that'
        : 'ask with another key that has the scope "keys:admin"';
    return new Problem('own-key', { detail: `"${id}" is the key that asks, which would lock itself out; ${remedy}` });
  };
  const checkPlan = (id: string, plan: string | undefined, limits: readonly unknown[]) => {
    const errors = plans.issuesOf({ id, plan, limits }).map(({ path, message }) => ({ field: path, message }));
    if (errors.length > 0) {
      throw new Problem('invalid-request', { detail: `${errors.length} field(s) at fault; see "errors"`, errors });
    }
  };
  const adminKey = (what: string) =>
    new Problem('admin-key', {
      detail: `"${ADMIN.id}" is the admin key, which ${what}; to replace it, start the service with another ADMIN_KEY and revoke the old one with that`,
    });

  app.post(
    '/keys',
    {
      schema: {
        summary: 'Make a key',
        tags: ['keys'],
        security,
        body: newKey,
        response: { 201: newKeyAnswer, ...bodyFailures },
      },
    },
    async (request, reply) => {
      const { name, scopes, expiresAt, plan, limits } = request.body;
      checkPlan('', plan ?? undefined, limits ?? []);
      const { key, record } = await keys.create({
        name,
        scopes,
        expiresAtMs: toMillis(expiresAt),
        plan: plan ?? undefined,
        limits: toText(limits),
      });
      return reply.code(201).send({ ...toAnswer(record), key });
    },
  );

  app.get(
    '/keys',
    {
      schema: {
        summary: 'List the keys',
        tags: ['keys'],
        security,
        response: { 200: z.object({ data: z.array(keyAnswer) }), ...failures },
      },
    },
    async () => ({ data: (await keys.list()).map(toAnswer) }),
  );

  app.patch(
    '/keys/:id',
    {
      schema: {
        summary: 'Change a key',
        description:
          'Holds at once where it is answered, and everywhere within a second. What was taken under a policy stays taken when its limit changes. The admin key can not be changed: that is 409.',
        tags: ['keys'],
        security,
        params,
        body: keyEdit,
        response: { 200: keyAnswer, 404: problemSchema, 409: problemSchema, ...bodyFailures },
      },
    },
    async ({ params: { id }, body }) => {
      if (id === ADMIN.id) throw adminKey('keeps its name, its scopes and no expiry');
      if (body.plan !== undefined || body.limits !== undefined) {
        const known = await keys.get(id);
        if (known === undefined) throw missing(id);
        const { plan = known.plan, limits = known.limits === undefined ? [] : toLimits(known.limits) } = body;
        checkPlan(id, plan ?? undefined, limits ?? []);
      }
      const record = await keys.update(id, {
        ...(body.name === undefined ? {} : { name: body.name }),
        ...(body.scopes === undefined ? {} : { scopes: body.scopes }),
        ...(body.expiresAt === undefined ? {} : { expiresAtMs: toMillis(body.expiresAt) }),
        ...(body.plan === undefined ? {} : { plan: body.plan ?? undefined }),
        ...(body.limits === undefined ? {} : { limits: toText(body.limits) }),
      });
      if (record === undefined) throw missing(id);
      return toAnswer(record);
    },
  );

  app.delete(
    '/keys/:id',
    {
      schema: {
        summary: 'Revoke a key',
        description:
          'Holds at once where it is answered, and everywhere within a second. No key revokes itself, and only an admin the admin key: that is 409.',
        tags: ['keys'],
        security,
        params,
        response: { 204: z.null(), 404: problemSchema, 409: problemSchema, ...failures },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      if (id === ADMIN.id && request.caller.kind !== 'admin') throw adminKey('only an admin may revoke');
      const asking = keyOf(request);
      // By the key and not by its id: an admin who came with ADMIN_KEY may revoke the one that was made at the first start.
      if (asking !== undefined && (await keys.get(id))?.hash === hashApiKey(asking)) {
        throw ownKey(id);
      }
      if (!(await keys.revoke(id))) throw missing(id);
      return reply.code(204).send(null);
    },
  );
}

const toMillis = (time: string | null | undefined) =>
  time === null || time === undefined ? undefined : Date.parse(time);

/** A list of none is none. */
const toText = (limits: readonly unknown[] | null | undefined) =>
  limits === null || limits === undefined || limits.length === 0 ? undefined : JSON.stringify(limits);

const toLimits = (text: string) => JSON.parse(text) as Record<string, unknown>[];

const toAnswer = (record: KeyRecord): z.output<typeof keyAnswer> => ({
  id: record.id,
  name: record.name,
  hint: record.hint,
  scopes: [...record.scopes],
  createdAt: new Date(record.createdAtMs).toISOString(),
  expiresAt: record.expiresAtMs === undefined ? null : new Date(record.expiresAtMs).toISOString(),
  plan: record.plan ?? null,
  limits: record.limits === undefined ? null : toLimits(record.limits),
});
