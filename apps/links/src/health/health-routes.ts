import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { unreadable } from '../http/route-schemas.ts';
import type { Dependency } from './health.ts';

const dependency = z.object({ name: z.string(), state: z.enum(['up', 'degraded', 'down']), without: z.string() });
const readiness = z
  .object({
    status: z.enum(['ready', 'degraded', 'draining']),
    instance: z.string(),
    dependencies: z.array(dependency),
  })
  .meta({ id: 'Readiness' });

/**
 * `/healthz`: the process runs. `/readyz`: it should get traffic; 503 only while it drains. A dependency that is away does not
 * make it unready: every instance would be, and links that they could still redirect would not (G4).
 */
export async function healthRoutes(
  instance: FastifyInstance,
  options: {
    readonly name: string;
    readonly draining: () => boolean;
    readonly dependencies: () => readonly Dependency[];
  },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  app.get(
    '/healthz',
    {
      schema: {
        summary: 'Does it run?',
        tags: ['operations'],
        response: { 200: z.object({ status: z.literal('ok') }), ...unreadable },
      },
    },
    async () => ({ status: 'ok' as const }),
  );
  app.get(
    '/readyz',
    {
      schema: {
        summary: 'Should it get traffic?',
        tags: ['operations'],
        response: { 200: readiness, 503: readiness, ...unreadable },
      },
    },
    async (_request, reply) => {
      const list = options.dependencies().map((one) => ({ ...one }));
      const whole = list.every(({ state }) => state === 'up');
      const status = options.draining() ? 'draining' : whole ? 'ready' : 'degraded';
      return reply.code(status === 'draining' ? 503 : 200).send({ status, instance: options.name, dependencies: list });
    },
  );
}
