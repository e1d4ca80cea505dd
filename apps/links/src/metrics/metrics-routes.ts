import type { FastifyInstance } from 'fastify';

/** `/metrics` for Prometheus; `read` gives those of all worker processes. */
export async function metricsRoutes(
  app: FastifyInstance,
  options: { readonly read: () => Promise<string> },
): Promise<void> {
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) =>
    reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8').send(await options.read()),
  );
}
