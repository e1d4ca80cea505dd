import { ConfigurationError } from '@spillway/kernel';
import { backOffMs } from '../core/back-off.ts';
import { toResp2Shape } from '../core/reply-shape.ts';
import { Lane } from '../link/lane.ts';
import { laneOptions } from '../link/lane-options.ts';
import { NoConnectionError } from '../link/not-sent.ts';
import { PING } from '../link/prober.ts';
import type { Request, Wire, WireEvents } from '../link/request.ts';
import type { SubscriptionEvents, Topology, TopologyContext } from '../link/topology.ts';
import type { ParsedOptions } from '../options.ts';

/** As much of node-redis' client as is needed. No type of it is imported: it is an optional peer. */
export interface NodeRedisClient {
  readonly isReady: boolean;
  readonly isOpen: boolean;
  readonly options?: { readonly disableOfflineQueue?: boolean; readonly socket?: object } | undefined;
  sendCommand(args: readonly (string | Buffer)[], options?: object): Promise<unknown>;
  duplicate(overrides?: object): NodeRedisClient;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>;
  destroy(): void;
  on(event: string, listener: (...args: never[]) => void): unknown;
  off(event: string, listener: (...args: never[]) => void): unknown;
}

/** Deadline of a dedicated connection. */
const DEDICATED_DEADLINE_MS = 30_000;

/** A client that was cut does not come back by itself. */
const RECONNECT_MS = 200;

// RESP types by their sign: blob, simple and verbatim strings, doubles; maps as flat arrays, as RESP2 has them.
const SHAPES = { 44: String, 37: Array, 126: Array, 40: String, 35: Number };
const TEXT = { typeMapping: SHAPES };
const BINARY = { typeMapping: { ...SHAPES, 36: Buffer, 43: Buffer, 61: Buffer } };

/** Told by what it can do. Its Cluster and Sentinel clients look otherwise, and are refused. */
export function isNodeRedis(client: object): client is NodeRedisClient {
  const has = client as Partial<NodeRedisClient>;
  return (
    typeof has.sendCommand === 'function' &&
    typeof has.duplicate === 'function' &&
    typeof has.isReady === 'boolean' &&
    typeof has.subscribe === 'function' &&
    has.sendCommand.length === 2 &&
    !('masters' in client) &&
    !('getMasterNode' in client)
  );
}

/** A link over a node-redis client that its owner connects and closes. */
export function lentNodeRedisTopology(
  client: NodeRedisClient,
  options: ParsedOptions,
  context: TopologyContext,
): Topology {
  if (client.options?.disableOfflineQueue !== true) {
    throw new ConfigurationError('This node-redis client can not be lent to a link as it is', [
      {
        path: 'disableOfflineQueue',
        message: `must be true, or commands are kept until there is a connection, and run long after their caller gave up; got ${JSON.stringify(client.options?.disableOfflineQueue) ?? 'nothing, which means otherwise'}`,
      },
    ]);
  }
  const ofLanes = {
    ...laneOptions(options, {
      probe: PING,
      onServing: () => context.changed(),
    }),
    user: undefined,
  };
  const socket = (reconnectStrategy: unknown) => ({
    disableOfflineQueue: true,
    socket: { ...client.options?.socket, reconnectStrategy },
  });
  const lane = new Lane(ofLanes, (events) => nodeRedisWire(client, events, 'borrowed'));
  return {
    kind: 'plain',
    route: () => lane,
    serving: () => ({ wanted: 1, serving: lane.serving ? 1 : 0 }),
    get lastError() {
      return lane.lastError;
    },
    dedicated: () => {
      const own = client.duplicate(socket((retries: number) => backOffMs(retries + 1, options.random)));
      const ownLane = new Lane(
        { ...ofLanes, deadlineMs: DEDICATED_DEADLINE_MS, onServing: () => undefined },
        (events) => nodeRedisWire(own, events, 'owned'),
      );
      own.connect().catch(() => undefined);
      return { route: () => ownLane, drop: (error) => ownLane.drop(error), close: () => ownLane.close() };
    },
    subscribeOnce: (channel, events) => subscribeWith(client.duplicate(socket(false)), channel, events),
    close: () => lane.close(),
  };
}

function nodeRedisWire(client: NodeRedisClient, events: WireEvents, ownership: 'borrowed' | 'owned'): Wire {
  let lastError: unknown;
  let again: NodeJS.Timeout | undefined;
  const lost = () => events.lost(lastError);
  const handlers: Record<string, (error?: unknown) => void> = {
    ready: () => {
      lastError = undefined;
      if (client.isReady) events.ready();
    },
    error: (error) => {
      lastError = error;
    },
    reconnecting: lost,
    end: lost,
  };
  for (const [event, handler] of Object.entries(handlers)) client.on(event, handler);
  return {
    get ready() {
      return client.isReady;
    },
    send: (request) => {
      if (client.isReady) send(client, request);
      else request.fail(new NoConnectionError());
    },
    flush: () => undefined,
    drop: () => {
      if (ownership === 'borrowed' || !client.isOpen) return;
      client.destroy();
      clearTimeout(again);
      again = setTimeout(() => client.connect().catch(() => undefined), RECONNECT_MS);
    },
    close: async () => {
      clearTimeout(again);
      if (ownership === 'owned' && client.isOpen) client.destroy();
      for (const [event, handler] of Object.entries(handlers)) client.off(event, handler);
      if (ownership === 'owned') client.on('error', () => undefined);
    },
  };
}

function send(client: NodeRedisClient, request: Request): void {
  const args = [request.name, ...request.args].map((arg) => {
    if (typeof arg !== 'object') return String(arg);
    return Buffer.isBuffer(arg) ? arg : Buffer.from(arg.buffer, arg.byteOffset, arg.byteLength);
  });
  client.sendCommand(args, request.binary ? BINARY : TEXT).then(
    (reply) => request.answer(toResp2Shape(request.name, reply)),
    (error) => request.fail(error),
  );
}

/** Subscribes over a client that is ours and does not reconnect. */
function subscribeWith(client: NodeRedisClient, channel: string, events: SubscriptionEvents): () => void {
  let lastError: unknown;
  const close = () => {
    if (client.isOpen) client.destroy();
    events.ended(lastError);
  };
  client.on('error', (error: unknown) => {
    lastError = error;
  });
  client.on('end', () => events.ended(lastError));
  client.on('terminated', () => events.ended(lastError));
  client
    .connect()
    .then(() => client.subscribe(channel, (message) => events.message(message)))
    .then(events.whole, (error) => {
      lastError = error;
      close();
    });
  return close;
}
