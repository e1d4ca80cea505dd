import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { sendProblem } from './errors.ts';
import { Problem } from './problem.ts';

/**
 * `/docs`: the API to read and try, from files on this machine. An application of its own, made with the first visit, since a
 * start of the service should not wait for it.
 */
export async function docsRoutes(app: FastifyInstance): Promise<void> {
  let docs: Promise<FastifyInstance> | undefined;
  app.route({
    method: ['GET', 'HEAD'],
    url: '/docs',
    exposeHeadRoute: false,
    schema: { hide: true },
    handler: async (_request, reply) => reply.redirect('/docs/', 302),
  });
  app.route({
    method: ['GET', 'HEAD'],
    url: '/docs/*',
    exposeHeadRoute: false,
    schema: { hide: true },
    handler: async (request, reply) => {
      docs ??= createDocs(app.swagger());
      const { routing } = await docs;
      reply.hijack();
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) reply.raw.setHeader(name, value);
      }
      routing(request.raw, reply.raw);
      return reply;
    },
  });
}

// The pages style themselves inline here and there; scripts are files.
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

async function createDocs(document: object): Promise<FastifyInstance> {
  const [{ default: swagger }, { default: swaggerUi }] = await Promise.all([
    import('@fastify/swagger'),
    import('@fastify/swagger-ui'),
  ]);
  const docs = Fastify({ exposeHeadRoutes: true });
  await docs.register(swagger, { mode: 'static', specification: { document: document as never } });
  await docs.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { deepLinking: true, persistAuthorization: false },
  });
  docs.addHook('onSend', async (_request, reply) => {
    reply.header('content-security-policy', CONTENT_SECURITY_POLICY);
    reply.header('x-content-type-options', 'nosniff');
  });
  const missing = (request: FastifyRequest, reply: FastifyReply) =>
    sendProblem(
      request,
      reply,
      new Problem('not-found', { detail: 'There is no such page; the API is described at /docs/' }),
    );
  docs.setNotFoundHandler(missing);
  docs.setErrorHandler((_error, request, reply) => missing(request, reply));
  await docs.ready();
  return docs;
}
