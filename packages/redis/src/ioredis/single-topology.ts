import type { Random } from '@spillway/kernel';
import { Redis } from 'ioredis';
import { Lane } from '../link/lane.ts';
import { laneOptions } from '../link/lane-options.ts';
import { MASTER_ROLE, PING } from '../link/prober.ts';
import type { WireEvents } from '../link/request.ts';
import type { Topology, TopologyContext } from '../link/topology.ts';
import type { ParsedOptions } from '../options.ts';
import { type ClientOptions, clientOptions, targetOptions } from './client-options.ts';
import { end, OwnWire } from './own-wire.ts';
import { stayConnected } from './stay-connected.ts';
import { subscribeWith } from './subscribe-once.ts';

/** Deadline of a dedicated connection. */
export const DEDICATED_DEADLINE_MS = 30_000;

/** One server, given by its address or found through Sentinels. */
export function singleTopology(options: ParsedOptions, context: TopologyContext): Topology {
  const toClient: ClientOptions = { ...clientOptions(options), ...targetOptions(options) };
  const kind = options.target.kind === 'sentinel' ? 'sentinel' : 'plain';
  const ofLanes = laneOptions(options, {
    probe: kind === 'sentinel' ? MASTER_ROLE : PING,
    onServing: () => context.changed(),
  });
  const lane = new Lane(ofLanes, ownWire(toClient, options.random));
  return {
    kind,
    route: () => lane,
    serving: () => ({ wanted: 1, serving: lane.serving ? 1 : 0 }),
    get lastError() {
      return lane.lastError;
    },
    dedicated: () => {
      const own = new Lane(
        { ...ofLanes, deadlineMs: DEDICATED_DEADLINE_MS, onServing: () => undefined },
        ownWire(toClient, options.random),
      );
      return { route: () => own, drop: (error) => own.drop(error), close: () => own.close() };
    },
    subscribeOnce: (channel, events) =>
      subscribeWith(new Redis({ ...toClient, retryStrategy: null, lazyConnect: true }), channel, events),
    close: () => lane.close(),
  };
}

/** A wire over a client made from `options`, which it owns. */
export function ownWire(options: ClientOptions, random: Random): (events: WireEvents) => OwnWire {
  return (events) => {
    const client = new Redis(options);
    const letGo = stayConnected(client, random);
    return new OwnWire(client, events, () => {
      letGo();
      return end(client);
    });
  };
}
