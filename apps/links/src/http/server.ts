import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { hasRightHost, readHeaders } from '../redirect/read-headers.ts';
import { BACKLOG } from './listen.ts';
import { type ProblemKind, problemBody, problemHeaders, rawProblem, statusOf } from './problem.ts';
import { toPlainTarget } from './request-target.ts';

export interface HttpServer {
  readonly server: Server;
  /** Everything that the front does not take. Set once, before listening. */
  fallTo(handler: (request: IncomingMessage, response: ServerResponse) => void): void;
  /**
   * Takes no more connections and tells open ones to go with their next answer; those that have none to get are closed after
   * `LAST_REQUEST_MS`. Then waits for the answers under way, at most `timeoutMs` in all.
   */
  drain(timeoutMs: number): Promise<void>;
}

/** Longest request target; a code has 64 characters and a cursor a few hundred. */
const MAX_URL_LENGTH = 4_096;

/**
 * How long an idle connection stays open after the server began to stop. A request may be on its way over it this very moment,
 * and a proxy does not repeat a POST that was already sent; answered with `Connection: close` it is the connection's last.
 */
const LAST_REQUEST_MS = 1_000;

/**
 * The HTTP server with `front` before everything else: it answers, or returns false, as for a request without its one `Host`. So a redirect passes no router, no hooks
 * and no object of headers.
 */
export function createHttpServer(options: {
  readonly servedBy: string;
  readonly front: (request: IncomingMessage, response: ServerResponse) => boolean;
}): HttpServer {
  const { servedBy, front } = options;
  let fallback: (request: IncomingMessage, response: ServerResponse) => void = notReady;
  let draining = false;
  const server = createServer(
    {
      // Longer than the usual 60 s of a proxy's idle connections, so that the proxy closes them first.
      keepAliveTimeout: 75_000,
      headersTimeout: 15_000,
      requestTimeout: 60_000,
      maxHeaderSize: 16_384,
      // A request without a body is no stream then, which takes about a tenth off a redirect. Nobody here reads such a body.
      optimizeEmptyRequests: true,
      // Looked at below, and refused as a problem.
      requireHostHeader: false,
    },
    (request, response) => {
      if (draining) response.setHeader('Connection', 'close');
      const { url = '' } = request;
      if (url.length > MAX_URL_LENGTH) {
        const detail = `The path has ${url.length} characters, query included; at most ${MAX_URL_LENGTH} are taken`;
        refuse(request, response, 'url-too-long', detail);
      } else if (url.startsWith('*') && !(url === '*' && request.method === 'OPTIONS')) {
        const detail = `${request.method} needs a path that begins with "/", got "${url.slice(0, 100)}"; only OPTIONS may ask "*"`;
        refuse(request, response, 'malformed-request', detail);
      } else if (!front(request, response)) {
        // Only now, so that what is asked for in the usual way, and found, does not pay for it.
        if (!hasRightHost(readHeaders(request.rawHeaders), request)) {
          refuse(request, response, 'malformed-request', 'A request needs one "Host" header, and only one');
          return;
        }
        const taken = toPlainTarget(request) && front(request, response);
        if (!taken) fallback(withoutTypeOfNothing(request), response);
      }
    },
  );
  const refuse = (request: IncomingMessage, response: ServerResponse, kind: ProblemKind, detail: string) => {
    const text = JSON.stringify(problemBody(kind, { detail }, request.url?.split('?', 1)[0]));
    response.writeHead(statusOf(kind), {
      ...problemHeaders({ detail }),
      'x-served-by': servedBy,
      'content-length': Buffer.byteLength(text),
      connection: 'close',
    });
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
    refuse(request, response, 'expectation', 'Only "Expect: 100-continue" can be met; leave the header out'),
  );
  const refuseRaw = (socket: Socket, kind: ProblemKind, detail: string) => {
    if (socket.writable) socket.end(rawProblem(kind, detail, servedBy));
    else socket.destroy();
  };
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'HPE_HEADER_OVERFLOW')
      refuseRaw(socket, 'headers-too-large', 'Path and headers have at most 16 kB');
    else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') socket.destroy();
    else refuseRaw(socket, 'malformed-request', 'This is not HTTP/1.1');
  });
  return {
    server,
    fallTo(handler) {
      fallback = handler;
    },
    async drain(timeoutMs) {
      if (!server.listening) return;
      await acceptWaiting(server);
      // Not `server.close()` of HTTP: that closes idle connections at once.
      const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
      // From now on only: whoever is told to go comes back over a new connection, which must not be among those that are lost here.
      draining = true;
      const idleUntilMs = performance.now() + LAST_REQUEST_MS;
      const sweep = setInterval(() => {
        if (performance.now() >= idleUntilMs) void readWaiting().then(() => server.closeIdleConnections());
      }, 100);
      const late = setTimeout(() => server.closeAllConnections(), timeoutMs);
      await closed;
      clearInterval(sweep);
      clearTimeout(late);
    },
  };
}

/**
 * Accepts the connections that wait for it in the kernel, which would reset them when the server closes, with what was sent over
 * them. The event loop takes one each time it looks; the turn that this begins in may have looked already.
 */
async function acceptWaiting(server: Server): Promise<void> {
  let accepted = 0;
  const count = () => {
    accepted += 1;
  };
  server.on('connection', count);
  await setImmediate();
  for (let before = -1; accepted > before && accepted < BACKLOG; await setImmediate()) before = accepted;
  server.off('connection', count);
}

/** Reads the requests that have arrived on connections that look idle. Two turns: the first may have begun before they came. */
async function readWaiting(): Promise<void> {
  await setImmediate();
  await setImmediate();
}

/**
 * Whoever waits for the body of a request that has none would wait for ever, since `optimizeEmptyRequests` leaves out its end:
 * without a Content-Type nobody does.
 */
function withoutTypeOfNothing(request: IncomingMessage): IncomingMessage {
  const { headers } = request;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined)
    delete headers['content-type'];
  return request;
}

function notReady(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(503, STATUS_CODES[503], { 'retry-after': '1' }).end();
}
