/** The same application in every framework, on a real socket: one route for every path, behind a response cache. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { getRequestListener, serve } from '@hono/node-server';
import type { CacheResponsesOptions } from '@spillway/cache/http';
import { cacheResponses as expressCache } from '@spillway/cache/http/express';
import { cacheResponsesHook } from '@spillway/cache/http/fastify';
import { cacheResponses as fetchCache } from '@spillway/cache/http/fetch';
import { cacheResponses as honoCache } from '@spillway/cache/http/hono';
import express, { type ErrorRequestHandler } from 'express';
import Fastify from 'fastify';
import { type Context, Hono } from 'hono';

export interface Asked {
  readonly method: string;
  readonly path: string;
  header(name: string): string | undefined;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Chunks are sent one by one, without a length. */
  readonly body?: string | Buffer | AsyncIterable<Uint8Array>;
}

export type Route = (asked: Asked) => Reply | Promise<Reply>;
export type AppOptions = Omit<CacheResponsesOptions<[header: Asked['header']]>, 'key' | 'tags'>;

export interface App {
  readonly port: number;
  /** Connections that are open. */
  connections(): Promise<number>;
  [Symbol.asyncDispose](): Promise<void>;
}

export type StartApp = (route: Route, options: AppOptions) => Promise<App>;

export const apps: Readonly<Record<string, StartApp>> = {
  async Express(route, options) {
    const app = express();
    // What stands around the cache, and is set for each answer anew.
    app.use((_request, response, next) => {
      response.setHeader('x-outer', String(Math.random()));
      next();
    });
    app.use(expressCache(seenAs(options, (request: express.Request) => (name) => request.get(name))));
    app.use(async (request, response) => {
      const {
        status = 200,
        headers = {},
        body = '',
      } = await route({
        method: request.method,
        path: request.originalUrl,
        header: (name) => request.get(name),
      });
      response.status(status).set(headers);
      if (isChunks(body)) Readable.from(body).pipe(response);
      else response.send(body);
    });
    const answerError: ErrorRequestHandler = (_error, _request, response, _next) => {
      response.status(500).send('by the error handler');
    };
    app.use(answerError);
    return await listening(createServer(app));
  },
  async Fastify(route, options) {
    const app = Fastify({ forceCloseConnections: true, routerOptions: { maxParamLength: 20_000 } });
    app.addHook('onRequest', async (_request, reply) => void reply.header('x-outer', String(Math.random())));
    app.addHook(
      'preHandler',
      cacheResponsesHook(seenAs(options, (request) => (name) => request.headers[name]?.toString())),
    );
    app.setErrorHandler((_error, _request, reply) => void reply.code(500).send('by the error handler'));
    app.all('/*', async (request, reply) => {
      const {
        status = 200,
        headers = {},
        body = '',
      } = await route({
        method: request.method,
        path: request.originalUrl,
        header: (name) => request.headers[name]?.toString(),
      });
      return reply
        .code(status)
        .headers(headers)
        .send(isChunks(body) ? Readable.from(body) : body);
    });
    const url = await app.listen({ port: 0, host: '127.0.0.1' });
    return {
      port: Number(new URL(url).port),
      connections: connectionsOf(app.server),
      [Symbol.asyncDispose]: () => app.close(),
    };
  },
  async Hono(route, options) {
    const app = new Hono();
    app.use(async (context, next) => {
      context.header('x-outer', String(Math.random()));
      await next();
    });
    app.use(honoCache(seenAs(options, (context: Context) => (name) => context.req.header(name))));
    app.onError((_error, context) => context.text('by the error handler', 500));
    app.all('*', (context) => respond(route, context.req.raw));
    return await listening(serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server);
  },
  async fetch(route, options) {
    const handler = fetchCache(
      (request: Request) => respond(route, request),
      seenAs(options, (request: Request) => (name) => request.headers.get(name) ?? undefined),
    );
    const listener = getRequestListener(
      async (request) => {
        const response = await handler(request);
        response.headers.set('x-outer', String(Math.random()));
        return response;
      },
      { errorHandler: () => new Response('by the error handler', { status: 500 }) },
    );
    return await listening(createServer(listener));
  },
};

async function respond(route: Route, request: Request): Promise<Response> {
  const url = new URL(request.url);
  const {
    status = 200,
    headers = {},
    body = '',
  } = await route({
    method: request.method,
    path: url.pathname + url.search,
    header: (name) => request.headers.get(name) ?? undefined,
  });
  const sent = isChunks(body)
    ? (Readable.toWeb(Readable.from(body)) as ReadableStream)
    : typeof body === 'string'
      ? body
      : new Uint8Array(body);
  return new Response(status === 204 || status === 304 ? null : sent, { status, headers });
}

const isChunks = (body: string | Buffer | AsyncIterable<Uint8Array>): body is AsyncIterable<Uint8Array> =>
  typeof body !== 'string' && !Buffer.isBuffer(body);

const connectionsOf = (server: Server) => () =>
  new Promise<number>((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });

async function listening(server: Server): Promise<App> {
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections: connectionsOf(server),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The options with `user` made to see the framework's request. */
function seenAs<Request>({ user, ...rest }: AppOptions, headerOf: (request: Request) => Asked['header']) {
  return { ...rest, ...(user === undefined ? {} : { user: (request: Request) => user(headerOf(request)) }) };
}
