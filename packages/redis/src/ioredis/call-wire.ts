import type { Redis } from 'ioredis';
import { toResp2Shape } from '../core/reply-shape.ts';
import { NoConnectionError } from '../link/not-sent.ts';
import type { Request, Wire, WireEvents } from '../link/request.ts';
import { end, toIoredisArgs } from './own-wire.ts';

/**
 * A wire over an ioredis client by its public calls alone: it may be of another version than ours. It batches as the
 * client does, with its `enableAutoPipelining`. A borrowed client is never cut nor closed: it serves others too. Its unanswered
 * commands are bounded by the lane, and nothing but one probe is sent while it does not answer.
 */
export function callWire(client: Redis, events: WireEvents, ownership: 'borrowed' | 'owned'): Wire {
  let lastError: unknown;
  const handlers = {
    ready: () => {
      lastError = undefined;
      if (client.status === 'ready') events.ready();
    },
    error: (error: unknown) => {
      lastError = error;
    },
    close: () => events.lost(lastError),
  };
  for (const [event, handler] of Object.entries(handlers)) client.on(event as 'ready', handler);
  return {
    get ready() {
      return client.status === 'ready';
    },
    send: (request) => {
      if (client.status === 'ready') call(client, request);
      else request.fail(new NoConnectionError());
    },
    flush: () => undefined,
    drop: () => {
      if (ownership === 'owned') client.stream?.destroy();
    },
    close: async () => {
      if (ownership === 'owned') await end(client);
      for (const [event, handler] of Object.entries(handlers)) client.off(event, handler);
      // Its last errors must not become uncaught ones.
      if (ownership === 'owned') client.on('error', () => undefined);
    },
  };
}

/**
 * Sends a request by the client's public calls. The name in capitals, since ioredis reshapes some replies by the name in small
 * letters. Bytes by a pipeline of one: with auto-pipelining, `callBuffer` loses the name of the command (ioredis 6.0.0).
 */
export function call(client: Pick<Redis, 'call' | 'pipeline'>, request: Request): void {
  const name = request.name.toUpperCase();
  const args = toIoredisArgs(request.args);
  const answered = request.binary ? callForBytes(client, name, args) : client.call(name, args);
  answered.then(
    (reply: unknown) => request.answer(toResp2Shape(name, reply)),
    (error: unknown) => request.fail(error),
  );
}

async function callForBytes(client: Pick<Redis, 'pipeline'>, name: string, args: (string | number | Buffer)[]) {
  const results = await client.pipeline().callBuffer(name, args).exec();
  const [error, reply] = results?.[0] ?? [new Error('The client gave no answer')];
  if (error) throw error;
  return reply;
}
