import { ConfigurationError } from '@spillway/kernel';
import { singleTopology } from './ioredis/single-topology.ts';
import { openLink } from './link/open-link.ts';
import type { Topology, TopologyContext } from './link/topology.ts';
import type { RedisLink } from './link.ts';
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
    case 'lent':
      throw new ConfigurationError(`${target.kind} is not built yet`);
    default:
      return target satisfies never;
  }
}
