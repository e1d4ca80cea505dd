import swagger from '@fastify/swagger';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod';
import { ANONYMOUS } from '../keys/scopes.ts';
import type { Logger } from '../log.ts';
import { collectMethods } from './allowed-methods.ts';
import { DESCRIBED_PATHS } from './described-paths.ts';
import { sendProblem, toProblem } from './errors.ts';
import { addJsonParser } from './json-body.ts';
import { Problem } from './problem.ts';
import type { RequestCounts } from './request-counts.ts';
import type { HttpServer } from './server.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What it was answered with, if it failed. */
    problem?: Problem;
    /** What it is charged for, e.g. the rows of a batch. Default 1. */
    cost: number;
    /** The policy of another program that refused what was asked about: the answer is 200 all the same. */
    deniedBy?: string;
  }
}

export interface ApiOptions {
  readonly http: HttpServer;
  readonly instance: string;
  readonly publicUrl: string;
  readonly version: string;
  readonly log: Logger;
  readonly counts: RequestCounts;
  /** Called after every answer. Must not throw, nor wait. */
  readonly onAnswered: (request: FastifyRequest, reply: FastifyReply) => void;
  /** Whether a path can be a link's. */
  readonly isLinkPath: (path: string) => boolean;
}

/** What a link takes; POST is for its password. */
const LINK_METHODS = ['GET', 'HEAD', 'POST'];

const MAX_BODY_BYTES = 1024 * 1024;

/** Fastify behind the redirects: schemas both ways, every error a problem, OpenAPI 3.1 made from the schemas. */
export async function createApi({
  http,
  instance,
  publicUrl,
  version,
  log,
  counts,
  onAnswered,
  isLinkPath,
}: ApiOptions): Promise<FastifyInstance> {
  const app = Fastify({
    serverFactory: (handler) => {
      http.fallTo(handler);
      return http.server;
    },
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false },
    exposeHeadRoutes: true,
    // What Fastify finds wrong before any route is looked for, e.g. a path with a broken %-encoding.
    frameworkErrors: (error, request, reply) => {
      const startedMs = performance.now();
      reply.header('x-served-by', instance);
      sendProblem(request, reply, toProblem(error, log));
      counts.count(request.method, undefined, reply.statusCode, performance.now() - startedMs);
      onAnswered(request, reply);
    },
  });
  addJsonParser(app);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.decorateRequest('caller');
  app.decorateRequest('problem');
  app.decorateRequest('cost', 1);
  app.decorateRequest('deniedBy');
  app.addHook('onRequest', async (request, reply) => {
    request.caller = ANONYMOUS;
    reply.header('x-served-by', instance);
    reply.header('x-content-type-options', 'nosniff');
    reply.header('cache-control', 'no-store');
  });
  app.addHook('onResponse', async (request, reply) => {
    counts.count(request.method, request.routeOptions.url, reply.statusCode, reply.elapsedTime);
    onAnswered(request, reply);
  });
  app.setErrorHandler((error, request, reply) => {
    request.problem = toProblem(error, log);
    return sendProblem(request, reply, request.problem);
  });
  const allowed = collectMethods(app);
  app.setNotFoundHandler((request, reply) => {
    const { method, url } = request;
    const path = url.split('?', 1)[0] ?? url;
    const methods = isLinkPath(path) ? LINK_METHODS : allowed.of(path);
    const shown = path.slice(0, 200);
    if (methods.length === 0 || methods.includes(method)) {
      const detail = `There is nothing at ${method} ${shown}; see /docs`;
      return sendProblem(request, reply, new Problem('not-found', { detail }));
    }
    const allow = methods.join(', ');
    const detail = `${shown} does not take ${method}, but ${allow}; see /docs`;
    return sendProblem(request, reply, new Problem('method-not-allowed', { detail, headers: { allow } }));
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Spillway links',
        version,
        description: 'Short links that go on when Redis or the database does not. Errors are problem+json (RFC 9457).',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: publicUrl }],
      // A copy, since the routes' own are added to it.
      paths: { ...DESCRIBED_PATHS } as never,
      components: {
        securitySchemes: {
          apiKey: { type: 'apiKey', in: 'header', name: 'X-Api-Key' },
          bearer: { type: 'http', scheme: 'bearer' },
        },
      },
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  return app;
}
