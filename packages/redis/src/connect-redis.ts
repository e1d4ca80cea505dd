import { ConfigurationError } from '@spillway/kernel';
import { clusterTopology } from './ioredis/cluster-topology.ts';
import { isIoredis, lentIoredisTopology } from './ioredis/lent-ioredis.ts';
import { singleTopology } from './ioredis/single-topology.ts';
import { openLink } from './link/open-link.ts';
import type { Topology, TopologyContext } from './link/topology.ts';
import type { RedisLink } from './link.ts';
import { isNodeRedis, lentNodeRedisTopology } from './node-redis/lent-node-redis.ts';
import { type ParsedOptions, parseOptions, type RedisOptions } from './options.ts';

/**
 * A link to Redis. Returns at once, with the state `down`; connects in the background and for as long as it is open.
 * @throws {ConfigurationError} when an option does not work, all of them named
 */
export function connectRedis(options: RedisOptions): RedisLink {
  const parsed = parseOptions(options);
  return openLink(parsed, (context) => createTopology(parsed, context));
}

function createTopology(options: ParsedOptions, context: TopologyContext): Topology {
  const { target } = options;
  switch (target.kind) {
    case 'plain':
    case 'sentinel':
      return singleTopology(options, context);
    case 'cluster':
      return clusterTopology(options, context);
    case 'lent':
      if (isIoredis(target.client)) return lentIoredisTopology(target.client, options, context);
      if (isNodeRedis(target.client)) return lentNodeRedisTopology(target.client, options, context);
      throw new ConfigurationError('This client can not be lent to a link', [
        {
          path: 'client',
          message: 'must be a Redis or Cluster of ioredis, or what createClient() of node-redis returns',
        },
      ]);
    default:
      return target satisfies never;
  }
}
