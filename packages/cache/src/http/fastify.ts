import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import { detached, dropConditions, fieldsOf, requestOf, watch } from './node-response.ts';
import { type CacheResponsesOptions, createRoute } from './route.ts';

/**
 * A hook for `preHandler`, after those that decide who may see the answer: a stored one is sent without asking what comes behind.
 * @throws {ConfigurationError} when the options can not be met
 */
export function cacheResponsesHook(options: CacheResponsesOptions<[request: FastifyRequest]>) {
  const { cache, routeOf } = createRoute<[FastifyRequest]>(options);

  return async function cacheRoute(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    const before = fieldsOf(reply.getHeaders());
    const asked = requestOf(request.raw, request.originalUrl, request.protocol);
    const plan = await cache.plan(detached(asked), await routeOf(request), before);
    switch (plan.do) {
      case 'send': {
        const { status, fields, body } = plan.answer;
        reply.code(status);
        for (const [name, value] of fields) reply.header(name, value);
        return reply.send(body);
      }
      case 'lead':
        dropConditions(request.raw);
        watch(reply.raw, plan.lead);
        return undefined;
      case 'pass':
        reply.header('cache-status', plan.cacheStatus);
        if (plan.watcher !== undefined) watch(reply.raw, plan.watcher);
        return undefined;
      default:
        return plan satisfies never;
    }
  };
}

/** Caches every route of the instance it is registered on: `app.register(cacheResponses, { cache, ttl: '1m' })`. */
export const cacheResponses: FastifyPluginCallback<CacheResponsesOptions<[request: FastifyRequest]>> = Object.assign(
  (app: FastifyInstance, options: CacheResponsesOptions<[request: FastifyRequest]>, done: (error?: Error) => void) => {
    app.addHook('preHandler', cacheResponsesHook(options));
    done();
  },
  // Fastify's own mark for a plugin that works on the instance around it, rather than on a scope of its own.
  { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: '@spillway/cache' },
);
