import type { RedisCommandMessage, RedisStateMessage } from '@spillway/redis';
import type { BusGapMessage } from '@spillway/redis/bus';
import { type ChannelMetrics, on } from './listener.ts';

const STATES = ['up', 'degraded', 'down'] as const;

/** Around the usual round trip on a local network, and the default deadline of 50 ms. */
const SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

export const redisMetrics: readonly ChannelMetrics[] = [
  on<RedisStateMessage>('spillway:redis:state', (metrics) => {
    const up = metrics.gauge('redis_up', '1 while the link passes commands, else 0', ['link'], 'min');
    const states = metrics.gauge(
      'redis_state',
      '1 for the state the link is in (up, degraded, down); summed over worker processes',
      ['link', 'state'],
      'sum',
    );
    const changes = metrics.counter('redis_state_changes_total', 'Changes of state, by the new one', ['link', 'state']);
    return ({ link, state }) => {
      up.set(state === 'down' ? 0 : 1, link);
      for (const each of STATES) states.set(each === state ? 1 : 0, link, each);
      changes.add(1, link, state);
    };
  }),
  on<RedisCommandMessage>('spillway:redis:command', (metrics) => {
    const commands = metrics.counter(
      'redis_commands_total',
      'Commands and scripts, by how they ended (ok, error, deadline, lost, refused)',
      ['link', 'operation', 'outcome'],
    );
    const durations = metrics.histogram(
      'redis_command_duration_seconds',
      'From the write to the socket to the end, of commands that were sent',
      ['link', 'operation'],
      SECONDS,
    );
    return ({ link, operation, outcome, durationMs }) => {
      commands.add(1, link, operation, outcome);
      if (outcome !== 'refused') durations.observe(durationMs / 1000, link, operation);
    };
  }),
  on<BusGapMessage>('spillway:bus:gap', (metrics) => {
    const gaps = metrics.counter('bus_gaps_total', 'Times that messages of the bus may have been missed', ['reason']);
    return ({ reason }) => gaps.add(1, reason);
  }),
];
