import { ConfigurationError, type Issue } from '@spillway/kernel';
import type { Cluster, Redis } from 'ioredis';
import { backOffMs } from '../core/back-off.ts';
import { Lane } from '../link/lane.ts';
import { laneOptions } from '../link/lane-options.ts';
import { MASTER_ROLE, PING } from '../link/prober.ts';
import type { Topology, TopologyContext } from '../link/topology.ts';
import type { ParsedOptions } from '../options.ts';
import { callWire } from './call-wire.ts';
import { clusterTopologyOver } from './cluster-topology.ts';
import { DEDICATED_DEADLINE_MS } from './single-topology.ts';
import { stayConnected } from './stay-connected.ts';
import { subscribeWith } from './subscribe-once.ts';

/** Told by what it can do, never by the name of its class: it may come from another copy of ioredis. */
export function isIoredis(client: object): client is Redis | Cluster {
  const has = client as Partial<Redis>;
  return (
    typeof has.call === 'function' &&
    typeof has.pipeline === 'function' &&
    typeof has.duplicate === 'function' &&
    typeof has.status === 'string'
  );
}

const isCluster = (client: Redis | Cluster): client is Cluster => client.isCluster === true;

/** A link over a client that its owner connects and closes. @throws {ConfigurationError} when it would send twice */
export function lentIoredisTopology(
  client: Redis | Cluster,
  options: ParsedOptions,
  context: TopologyContext,
): Topology {
  checkClient(client);
  if (isCluster(client)) {
    return clusterTopologyOver(client, options, context, {
      toWire: (node, events) => callWire(node, events, 'borrowed'),
      close: async () => undefined,
    });
  }
  const kind = Array.isArray(client.options.sentinels) ? 'sentinel' : 'plain';
  const ofLanes = {
    ...laneOptions(options, {
      probe: kind === 'sentinel' ? MASTER_ROLE : PING,
      onServing: () => context.changed(),
    }),
    user: client.options.username ?? undefined,
  };
  const lane = new Lane(ofLanes, (events) => callWire(client, events, 'borrowed'));
  if (client.status === 'wait') client.connect().catch(() => undefined);
  return {
    kind,
    route: () => lane,
    serving: () => ({ wanted: 1, serving: lane.serving ? 1 : 0 }),
    get lastError() {
      return lane.lastError;
    },
    dedicated: () => {
      const retryStrategy = (attempt: number) => backOffMs(attempt, options.random);
      const own = client.duplicate({ lazyConnect: false, enableAutoPipelining: false, retryStrategy });
      const ownLane = new Lane(
        { ...ofLanes, deadlineMs: DEDICATED_DEADLINE_MS, onServing: () => undefined },
        (events) => callWire(own, events, 'owned'),
      );
      const letGo = stayConnected(own, options.random);
      return {
        route: () => ownLane,
        drop: (error) => ownLane.drop(error),
        close: () => {
          letGo();
          return ownLane.close();
        },
      };
    },
    subscribeOnce: (channel, events) =>
      subscribeWith(
        client.duplicate({
          lazyConnect: true,
          enableAutoPipelining: false,
          autoResubscribe: false,
          retryStrategy: null,
        }),
        channel,
        events,
      ),
    close: () => lane.close(),
  };
}

/** A client that sends again, or keeps commands for later, makes a write happen twice or long after its caller gave up. */
function checkClient(client: Redis | Cluster): void {
  const issues: Issue[] = [];
  const want = (path: string, value: unknown, wanted: unknown, why: string, also: readonly unknown[] = []) => {
    if (value === wanted || also.includes(value)) return;
    const got = value === undefined ? 'nothing, which means otherwise' : JSON.stringify(value);
    issues.push({ path, message: `must be ${JSON.stringify(wanted)}, or ${why}; got ${got}` });
  };
  const checkNode = (at: string, options: Partial<Redis['options']>) => {
    const twice = 'a command whose answer was lost is sent again';
    want(`${at}autoResendUnfulfilledCommands`, options.autoResendUnfulfilledCommands, false, twice);
    want(`${at}maxRetriesPerRequest`, options.maxRetriesPerRequest, 0, 'commands wait for a connection that is gone');
    want(`${at}keyPrefix`, options.keyPrefix ?? '', '', 'keys go to other slots than scripts say; see createKeys');
    want(`${at}stringNumbers`, options.stringNumbers ?? false, false, 'integers come as strings');
    want(`${at}replyMapping`, options.replyMapping ?? 'legacy', 'legacy', 'replies have another shape');
  };
  const late = 'commands are kept until there is a connection, and run long after their caller gave up';
  if (isCluster(client)) {
    const { options } = client;
    want('enableOfflineQueue', options.enableOfflineQueue, false, late);
    const again = 'commands are sent again after errors';
    want('retryDelayOnFailover', options.retryDelayOnFailover, 0, again);
    want('retryDelayOnClusterDown', options.retryDelayOnClusterDown, 0, again);
    want('keyPrefix', options.keyPrefix ?? '', '', 'keys go to other slots than scripts say; see createKeys');
    checkNode('redisOptions.', options.redisOptions ?? {});
  } else {
    want('enableOfflineQueue', client.options.enableOfflineQueue, false, late);
    checkNode('', client.options);
  }
  if (issues.length > 0) throw new ConfigurationError('This ioredis client can not be lent to a link as it is', issues);
}
