/** The same small application in every framework, on a real socket: its routes answer with the status that the path names. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener, serve } from '@hono/node-server';
import type { Limiter } from '@spillway/limit';
import { rateLimit as expressRateLimit } from '@spillway/limit/http/express';
import { rateLimitHook } from '@spillway/limit/http/fastify';
import { rateLimit as fetchRateLimit } from '@spillway/limit/http/fetch';
import { rateLimit as honoRateLimit } from '@spillway/limit/http/hono';
import express, { type ErrorRequestHandler } from 'express';
import Fastify from 'fastify';
import { type Context, Hono } from 'hono';

/** What every adapter can be told, the request seen as its header fields. */
export interface AppOptions {
  readonly limiter: Limiter;
  readonly key?: (header: Header) => string | undefined | Promise<string | undefined>;
  readonly trustedProxies?: readonly string[];
  readonly cost?: (header: Header) => number | Promise<number>;
  readonly skip?: (header: Header) => boolean | Promise<boolean>;
  readonly count?: 'all' | 'failed' | 'successful';
  readonly legacyHeaders?: boolean;
  readonly partitionKey?: (header: Header) => string | undefined;
  readonly refuse?: () => never | Promise<never>;
}

export type Header = (name: string) => string | undefined;

export interface App {
  readonly url: string;
  /** What reached the framework's own handler of errors. */
  readonly errors: readonly unknown[];
  /** Requests that the routes saw. */
  readonly served: () => number;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** `limiters`: one middleware each, in this order. */
export type StartApp = (...limiters: readonly AppOptions[]) => Promise<App>;

export const apps: Readonly<Record<string, StartApp>> = {
  Express: startExpress,
  Fastify: startFastify,
  Hono: startHono,
  fetch: startFetch,
};

async function startExpress(...limiters: readonly AppOptions[]): Promise<App> {
  const app = express();
  const seen = watch();
  for (const options of limiters) {
    app.use(expressRateLimit(seenAs(options, (request: express.Request) => (name) => request.get(name))));
  }
  app.get('/:status', (request, response) => {
    seen.served += 1;
    if (request.params.status === 'throw') throw new Error('the route broke');
    response.status(Number(request.params.status)).send('hello');
  });
  const answerError: ErrorRequestHandler = (error, _request, response, _next) => {
    seen.errors.push(error);
    response.status(500).json({ by: 'error handler' });
  };
  app.use(answerError);
  return listening(createServer(app), seen);
}

async function startFastify(...limiters: readonly AppOptions[]): Promise<App> {
  const app = Fastify({ forceCloseConnections: true });
  const seen = watch();
  for (const options of limiters) {
    app.addHook('onRequest', rateLimitHook(seenAs(options, (request) => (name) => request.headers[name]?.toString())));
  }
  app.setErrorHandler((error, _request, reply) => {
    seen.errors.push(error);
    reply.code(500).send({ by: 'error handler' });
  });
  app.get('/:status', async (request, reply) => {
    seen.served += 1;
    const { status } = request.params as { status: string };
    if (status === 'throw') throw new Error('the route broke');
    reply.code(Number(status));
    return 'hello';
  });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return appOf(url, seen, () => app.close());
}

async function startHono(...limiters: readonly AppOptions[]): Promise<App> {
  const app = new Hono();
  const seen = watch();
  for (const options of limiters)
    app.use(honoRateLimit(seenAs(options, (context: Context) => (name) => context.req.header(name))));
  app.onError((error, context) => {
    seen.errors.push(error);
    return context.json({ by: 'error handler' }, 500);
  });
  app.get('/:status', (context) => {
    seen.served += 1;
    const status = context.req.param('status');
    if (status === 'throw') throw new Error('the route broke');
    return new Response('hello', { status: Number(status) });
  });
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
  return listening(server, seen);
}

async function startFetch(...limiters: readonly AppOptions[]): Promise<App> {
  const seen = watch();
  type Peer = { address: string };
  let handler: (request: Request, peer: Peer) => Promise<Response> = async (request) => {
    seen.served += 1;
    const status = new URL(request.url).pathname.slice(1);
    if (status === 'throw') throw new Error('the route broke');
    return new Response('hello', { status: Number(status) });
  };
  for (const options of limiters.toReversed()) {
    handler = fetchRateLimit(handler, {
      ...seenAs(options, (request: Request) => (name) => request.headers.get(name) ?? undefined),
      peer: (_request, peer) => peer.address,
    });
  }
  const listener = getRequestListener(
    (request, env) =>
      handler(request, {
        address: (env as { incoming: { socket: { remoteAddress: string } } }).incoming.socket.remoteAddress,
      }),
    {
      errorHandler(error) {
        seen.errors.push(error);
        return Response.json({ by: 'error handler' }, { status: 500 });
      },
    },
  );
  return listening(createServer(listener), seen);
}

const watch = () => ({ errors: [] as unknown[], served: 0 });

async function listening(server: Server, seen: ReturnType<typeof watch>): Promise<App> {
  if (!server.listening) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return appOf(
    `http://127.0.0.1:${port}`,
    seen,
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
}

const appOf = (url: string, seen: ReturnType<typeof watch>, close: () => Promise<void>): App => ({
  url,
  errors: seen.errors,
  served: () => seen.served,
  close,
  [Symbol.asyncDispose]: close,
});

/** The options with their functions made to see the framework's request. */
function seenAs<Request>(options: AppOptions, headerOf: (request: Request) => Header) {
  const { key, cost, skip, partitionKey, ...rest } = options;
  return {
    ...rest,
    ...(key === undefined ? {} : { key: (request: Request) => key(headerOf(request)) }),
    ...(cost === undefined ? {} : { cost: (request: Request) => cost(headerOf(request)) }),
    ...(skip === undefined ? {} : { skip: (request: Request) => skip(headerOf(request)) }),
    ...(partitionKey === undefined ? {} : { partitionKey: (request: Request) => partitionKey(headerOf(request)) }),
  };
}
