import { Socket } from 'node:net';
import type { LoadError, LoadRecorder } from './load-recorder.ts';
import type { NextRequest } from './request-source.ts';
import { createResponseReader } from './response-reader.ts';

export interface LoadConnection {
  readonly busy: boolean;
  readonly host: string;
  /** `intended`: when the request should have started, by `performance.now()`. Only while not busy. */
  send(request: NextRequest, intended: number): void;
  /** Gives up a request that has waited since before `before`. */
  expire(before: number): void;
  close(): void;
}

/** After a refused connection, so that a server that is down is not asked in a tight loop. */
const RECONNECT_MS = 20;

/** One keep-alive connection with one request in flight at most. Connects by itself, again after each end. */
export function loadConnection(
  target: URL,
  recorder: LoadRecorder,
  timeoutMs: number,
  idle: () => void,
): LoadConnection {
  const { host, hostname, port } = target;
  const label = target.origin;
  const reader = createResponseReader();
  // `waiting`: to be written once connected.
  let waiting: string | undefined;
  let inFlight: { readonly index: number; readonly intended: number; readonly sentAt: number } | undefined;
  let socket: Socket | undefined;
  let connected = false;
  let closing = false;

  const settle = (record: () => void) => {
    inFlight = undefined;
    waiting = undefined;
    record();
    idle();
  };
  const fail = (error: LoadError) => {
    if (inFlight !== undefined) settle(() => recorder.failed(error));
  };
  const drop = () => {
    const old = socket;
    socket = undefined;
    connected = false;
    old?.destroy();
  };

  const receive = (bytes: Buffer) => {
    if (inFlight === undefined) return drop();
    const { index, intended } = inFlight;
    try {
      const response = reader.push(bytes);
      if (response === undefined) return;
      if (!response.keepAlive) drop();
      settle(() => recorder.answered(response, index, label, (performance.now() - intended) * 1_000));
    } catch {
      drop();
      fail('malformed');
    }
  };

  const ended = (own: Socket, error: LoadError) => {
    if (socket !== own) return;
    drop();
    const last = inFlight;
    const response = reader.end();
    if (last !== undefined && response !== undefined) {
      settle(() => recorder.answered(response, last.index, label, (performance.now() - last.intended) * 1_000));
    } else fail(error);
  };

  const connect = () => {
    // A buffer of its own per connection, read in place: the stream machinery of Node would double the cost of a request.
    const onread = { buffer: Buffer.allocUnsafe(16_384), callback: (n: number, buffer: Uint8Array) => read(n, buffer) };
    const own: Socket = new Socket({ onread });
    const read = (n: number, buffer: Uint8Array) => {
      if (socket === own) receive(Buffer.from(buffer.buffer, buffer.byteOffset, n));
      return true;
    };
    socket = own;
    own.once('connect', () => {
      connected = true;
      if (waiting !== undefined) own.write(waiting, 'latin1');
      waiting = undefined;
    });
    own.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNREFUSED') return ended(own, 'reset');
      setTimeout(() => ended(own, 'refused'), closing ? 0 : RECONNECT_MS);
    });
    own.on('end', () => ended(own, 'closed'));
    own.on('close', (hadError) => {
      if (!hadError) ended(own, 'closed');
    });
    own.connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 80) });
    own.setNoDelay(true);
  };

  return {
    host,
    get busy() {
      return inFlight !== undefined;
    },
    send(request, intended) {
      inFlight = { index: request.index, intended, sentAt: performance.now() };
      reader.reset(request.method);
      recorder.sent();
      if (socket !== undefined && connected) socket.write(request.text, 'latin1');
      else {
        waiting = request.text;
        if (socket === undefined) connect();
      }
    },
    expire(now) {
      if (inFlight === undefined || now - inFlight.sentAt < timeoutMs) return;
      drop();
      fail('timeout');
    },
    close() {
      closing = true;
      drop();
    },
  };
}
