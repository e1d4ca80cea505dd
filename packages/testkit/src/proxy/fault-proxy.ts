import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../processes/free-port.ts';

/** What was asked on a connection since the reply before, and the piece of the reply that came. */
export interface Exchange {
  readonly request: Buffer;
  readonly reply: Buffer;
}

export interface FaultProxy extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** The same URL, but by way of the proxy: `proxy.url(redis.url)`. */
  url(target: string): string;
  /** Open connections of clients. */
  readonly connections: number;
  /** Connections accepted since the start. */
  readonly accepted: number;
  /** Resets all connections and refuses new ones. */
  cut(): Promise<void>;
  /** Ends every fault. What was held back goes on its way, late; connections that lost a reply are reset. */
  restore(): Promise<void>;
  /** Every reply comes `ms` later than it would, in order. */
  delay(ms: number): void;
  /** Accepts connections and bytes, and passes none on in either direction until `restore()`: a server that was stopped. */
  hang(): void;
  /**
   * Requests reach the server and are carried out, and their replies are lost. With a predicate, only the replies for which it is true;
   * but on a connection that lost one nothing comes through any more, since TCP loses nothing in between.
   * `afterwards`: what the client sees after it, silence (default) or a reset connection.
   */
  dropReplies(
    which: boolean | ((exchange: Exchange) => boolean),
    options?: { readonly afterwards?: 'silence' | 'reset' },
  ): void;
  close(): Promise<void>;
}

type Drop = { readonly which: (exchange: Exchange) => boolean; readonly afterwards: 'silence' | 'reset' };

interface Pair {
  readonly client: Socket;
  /** Made when the first byte may pass. */
  upstream: Socket | undefined;
  lostReply: boolean;
  request: Buffer[];
  /** Replies on their way, each to be written at its time. */
  readonly delayed: { readonly at: number; readonly chunk: Buffer }[];
  timer: NodeJS.Timeout | undefined;
}

/** Kept of a request for the predicate; what is longer than this loses its beginning. */
const MAX_REQUEST_BYTES = 1 << 20;

/** A TCP proxy in this process, in front of a real server, that fails on demand. Listens on the loopback. */
export async function startFaultProxy(options: {
  readonly target: { readonly host?: string; readonly port: number };
  readonly port?: number;
}): Promise<FaultProxy> {
  const { host: targetHost = '127.0.0.1', port: targetPort } = options.target;
  const host = '127.0.0.1';
  const port = options.port ?? (await freePort());
  const pairs = new Set<Pair>();
  let server: Server | undefined;
  let accepted = 0;
  let hanging = false;
  let delayMs = 0;
  let drop: Drop | undefined;

  const end = (pair: Pair) => {
    pairs.delete(pair);
    clearTimeout(pair.timer);
    pair.client.resetAndDestroy();
    pair.upstream?.resetAndDestroy();
  };

  const accept = (client: Socket) => {
    accepted++;
    const pair: Pair = { client, upstream: undefined, lostReply: false, request: [], delayed: [], timer: undefined };
    pairs.add(pair);
    client.setNoDelay(true);
    client.on('error', () => end(pair));
    client.on('close', () => end(pair));
    // Paused until there is somewhere to pass the bytes on to.
    client.pause();
    if (!hanging) connect(pair);
  };

  const connect = (pair: Pair) => {
    const upstream = createConnection({ host: targetHost, port: targetPort, noDelay: true, allowHalfOpen: true });
    pair.upstream = upstream;
    upstream.on('error', () => end(pair));
    upstream.on('data', (chunk: Buffer) => receive(pair, chunk));
    upstream.on('end', () => {
      if (pair.delayed.length === 0 && !pair.lostReply) pair.client.end();
    });
    upstream.on('close', () => {
      if (pair.delayed.length === 0 && !pair.lostReply) pair.client.end();
    });
    pair.client.on('data', (chunk: Buffer) => {
      if (drop !== undefined) remember(pair, chunk);
      if (!upstream.write(chunk)) pair.client.pause();
    });
    upstream.on('drain', () => {
      if (!hanging) pair.client.resume();
    });
    pair.client.on('drain', () => {
      if (!hanging) upstream.resume();
    });
    pair.client.on('end', () => upstream.end());
    pair.client.resume();
  };

  const receive = (pair: Pair, reply: Buffer) => {
    if (pair.lostReply) return;
    if (drop !== undefined) {
      const request = Buffer.concat(pair.request);
      pair.request = [];
      if (drop.which({ request, reply })) {
        pair.lostReply = true;
        if (drop.afterwards === 'reset') end(pair);
        return;
      }
    }
    if (delayMs === 0 && pair.delayed.length === 0) pass(pair, reply);
    else {
      pair.delayed.push({ at: performance.now() + delayMs, chunk: reply });
      schedule(pair);
    }
  };

  const pass = (pair: Pair, chunk: Buffer) => {
    if (!pair.client.write(chunk)) pair.upstream?.pause();
  };

  const schedule = (pair: Pair) => {
    const first = pair.delayed[0];
    if (first === undefined || pair.timer !== undefined || hanging) return;
    pair.timer = setTimeout(
      () => {
        pair.timer = undefined;
        while (!hanging && pair.delayed[0] !== undefined && pair.delayed[0].at <= performance.now()) {
          pass(pair, (pair.delayed.shift() as { chunk: Buffer }).chunk);
        }
        if (pair.delayed.length > 0) schedule(pair);
        else if (pair.upstream?.readableEnded === true) pair.client.end();
      },
      Math.max(1, Math.ceil(first.at - performance.now())),
    );
  };

  const listen = () =>
    new Promise<void>((resolve, reject) => {
      const fresh = createServer({ allowHalfOpen: true, noDelay: true }, accept);
      fresh.once('error', reject);
      fresh.listen({ host, port }, () => {
        server = fresh;
        resolve();
      });
    });

  const unlisten = async () => {
    const old = server;
    server = undefined;
    const closed = new Promise<void>((resolve) => (old === undefined ? resolve() : old.close(() => resolve())));
    for (const pair of [...pairs]) end(pair);
    await closed;
  };

  const heal = () => {
    delayMs = 0;
    drop = undefined;
    hanging = false;
    for (const pair of [...pairs]) {
      if (pair.lostReply) end(pair);
      else if (pair.upstream === undefined) connect(pair);
      else {
        pair.request = [];
        pair.client.resume();
        pair.upstream.resume();
        schedule(pair);
      }
    }
  };

  const close = async () => {
    await unlisten();
  };
  await listen();
  return {
    host,
    port,
    url(target) {
      const url = new URL(target);
      url.hostname = host;
      url.port = String(port);
      return url.href;
    },
    get connections() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    async cut() {
      await unlisten();
    },
    async restore() {
      heal();
      if (server === undefined) await listen();
    },
    delay(ms) {
      delayMs = ms;
    },
    hang() {
      hanging = true;
      for (const pair of pairs) {
        pair.client.pause();
        pair.upstream?.pause();
      }
    },
    dropReplies(which, { afterwards = 'silence' } = {}) {
      drop = which === false ? undefined : { which: which === true ? () => true : which, afterwards };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function remember(pair: Pair, chunk: Buffer): void {
  pair.request.push(chunk);
  let bytes = pair.request.reduce((sum, part) => sum + part.length, 0);
  while (bytes > MAX_REQUEST_BYTES && pair.request.length > 1) bytes -= pair.request.shift()?.length ?? 0;
}
