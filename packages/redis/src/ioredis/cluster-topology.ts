import { Cluster, type Redis } from 'ioredis';
import { backOffMs } from '../core/back-off.ts';
import { keyOfCommand } from '../core/command-key.ts';
import { SLOTS, slotOf } from '../core/slot.ts';
import { Lane } from '../link/lane.ts';
import { type LaneOptions, laneOptions } from '../link/lane-options.ts';
import { PING } from '../link/prober.ts';
import type { Request, Wire, WireEvents } from '../link/request.ts';
import type { DedicatedLanes, Topology, TopologyContext } from '../link/topology.ts';
import type { RedisArgument } from '../link.ts';
import type { ParsedOptions } from '../options.ts';
import { call, callWire } from './call-wire.ts';
import { clientOptions } from './client-options.ts';
import { end, OwnWire } from './own-wire.ts';
import { DEDICATED_DEADLINE_MS } from './single-topology.ts';
import { subscribeWith } from './subscribe-once.ts';

/** While a node does not serve, the slots are asked for anew about this often: its replica may have taken over. */
const TROUBLE_REFRESH_MS = 500;

/**
 * A Redis Cluster. ioredis knows the slots and the nodes, and follows redirections; commands go directly to the connection
 * of the node that owns their key, each node with its own lane: one that hangs is shut off while the others go on.
 */
export function clusterTopology(options: ParsedOptions, context: TopologyContext): Topology {
  const target = options.target.kind === 'cluster' ? options.target.nodes : [];
  const cluster = new Cluster(
    target.map(({ host, port }) => ({ host, port })),
    {
      redisOptions: clientOptions(options),
      enableOfflineQueue: false,
      enableReadyCheck: false,
      // Of what did not run only redirections are sent again, in which the server says so; and TRYAGAIN, likewise.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      retryDelayOnTryAgain: 5,
      maxRedirections: 5,
      slotsRefreshInterval: 10_000,
      clusterRetryStrategy: (attempt) => backOffMs(attempt, options.random),
      clusterNodeRetryStrategy: (attempt) => backOffMs(attempt, options.random),
    },
  );
  return clusterTopologyOver(cluster, options, context, {
    toWire: (client, events) => new OwnWire(client, events, () => end(client)),
    close: () => end(cluster),
  });
}

interface Nodes {
  toWire(client: Redis, events: WireEvents): Wire;
  /** Ends the Cluster client, unless it is borrowed. */
  close(): Promise<void>;
}

/** The same over a client that somebody else may have made. */
export function clusterTopologyOver(
  cluster: Cluster,
  options: ParsedOptions,
  context: TopologyContext,
  nodes: Nodes,
): Topology {
  const lanes = new Map<string, { readonly lane: Lane; readonly client: Redis }>();
  let lastError: unknown;
  let closed = false;
  let refresh: NodeJS.Timeout | undefined;

  const ofLanes = laneOptions(options, {
    probe: PING,
    onServing: () => changed(),
    redirect: (request) => redirect(cluster, request),
  });

  const changed = () => {
    context.changed();
    const trouble = [...lanes.values()].some(({ lane }) => !lane.serving);
    if (!trouble || closed || refresh !== undefined) return;
    refresh = setTimeout(
      () => {
        refresh = undefined;
        cluster.refreshSlotsCache();
        changed();
      },
      TROUBLE_REFRESH_MS * (0.5 + options.random()),
    );
  };

  // The lanes are those of the nodes that own slots.
  const sync = () => {
    if (closed) return;
    const clients = new Map(cluster.nodes('master').map((client) => [keyOfNode(client), client]));
    const owners = new Set<string>();
    for (let slot = 0; slot < SLOTS; slot++) {
      const owner = cluster.slots[slot]?.[0];
      if (owner !== undefined) owners.add(owner);
    }
    for (const [key, { lane, client }] of lanes) {
      if (owners.has(key) && clients.get(key) === client) continue;
      lanes.delete(key);
      lane.close().catch(() => undefined);
    }
    for (const key of owners) {
      const client = clients.get(key);
      if (client === undefined || lanes.has(key)) continue;
      const lane = new Lane(ofLanes, (events) => nodes.toWire(client, events));
      lanes.set(key, { lane, client });
      if (client.status === 'wait') client.connect().catch(() => undefined);
    }
    changed();
  };
  const handlers = {
    refresh: sync,
    '+node': sync,
    '-node': sync,
    error: (error: unknown) => {
      lastError = error;
    },
  };
  for (const [event, handler] of Object.entries(handlers)) cluster.on(event, handler);
  // A borrowed one may know its slots already.
  if (cluster.slots.length > 0) queueMicrotask(sync);

  const ownerOf = (name: string, args: readonly RedisArgument[]): string | undefined => {
    const key = keyOfCommand(name, args);
    if (key !== undefined) return cluster.slots[slotOf(key)]?.[0];
    // Always the same one while it serves, so that what one publishes keeps its order.
    let first: string | undefined;
    for (const [node, { lane }] of lanes) if (lane.serving && (first === undefined || node < first)) first = node;
    return first;
  };

  return {
    kind: 'cluster',
    route: (name, args) => {
      const owner = ownerOf(name, args);
      return owner === undefined ? undefined : lanes.get(owner)?.lane;
    },
    serving: () => {
      let serving = 0;
      for (const { lane } of lanes.values()) if (lane.serving) serving += 1;
      return { wanted: lanes.size, serving };
    },
    get lastError() {
      for (const { lane } of lanes.values()) if (!lane.serving && lane.lastError !== undefined) return lane.lastError;
      return lastError;
    },
    dedicated: () => dedicatedLanes(cluster, ofLanes, ownerOf),
    subscribeOnce: (channel, events) => {
      const all = cluster.nodes('all');
      const node = all[Math.floor(options.random() * all.length)];
      if (node === undefined) {
        setImmediate(() => events.ended(lastError));
        return () => undefined;
      }
      return subscribeWith(node.duplicate({ ...OWN_SOCKET, retryStrategy: null, lazyConnect: true }), channel, events);
    },
    close: async () => {
      closed = true;
      clearTimeout(refresh);
      for (const [event, handler] of Object.entries(handlers)) cluster.off(event, handler);
      cluster.on('error', ignore);
      await nodes.close();
      await Promise.all([...lanes.values()].map(({ lane }) => lane.close()));
    },
  };
}

/** On top of what the node's own client has. */
const OWN_SOCKET = { enableOfflineQueue: false, enableAutoPipelining: false, autoResubscribe: false, readOnly: false };

const ignore = () => undefined;

/** Lanes on sockets of their own, one per node that they are needed for. */
function dedicatedLanes(
  cluster: Cluster,
  ofLanes: LaneOptions,
  ownerOf: (name: string, args: readonly RedisArgument[]) => string | undefined,
): DedicatedLanes {
  const own = new Map<string, Lane>();
  // A key that has moved fails its command; the next one finds the new owner.
  const { redirect: _, ...plain } = ofLanes;
  const open = (owner: string): Lane | undefined => {
    const node = cluster.nodes('master').find((client) => keyOfNode(client) === owner);
    if (node === undefined) return undefined;
    const retryStrategy = (attempt: number) => backOffMs(attempt, ofLanes.random);
    const client = node.duplicate({ ...OWN_SOCKET, retryStrategy, lazyConnect: false });
    const lane = new Lane({ ...plain, deadlineMs: DEDICATED_DEADLINE_MS, onServing: ignore }, (events) =>
      callWire(client, events, 'owned'),
    );
    own.set(owner, lane);
    return lane;
  };
  return {
    route: (name, args) => {
      const owner = ownerOf(name, args);
      return owner === undefined ? undefined : (own.get(owner) ?? open(owner));
    },
    drop: (error) => {
      for (const lane of own.values()) lane.drop(error);
    },
    close: async () => {
      await Promise.all([...own.values()].map((lane) => lane.close()));
    },
  };
}

/** Hands a request that did not run here to ioredis, which follows redirections. */
function redirect(cluster: Cluster, request: Request): boolean {
  if (request.redirected) return false;
  request.redirected = true;
  call(cluster, request);
  return true;
}

const keyOfNode = ({ options }: Redis): string => `${options.host ?? '127.0.0.1'}:${options.port ?? 6379}`;
