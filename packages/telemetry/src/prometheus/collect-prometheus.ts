import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ConfigurationError } from '@spillway/kernel';
import type { Registry } from 'prom-client';
import { cacheMetrics } from './cache-metrics.ts';
import { eventsMetrics } from './events-metrics.ts';
import { idsMetrics } from './ids-metrics.ts';
import { limitMetrics } from './limit-metrics.ts';
import type { ChannelMetrics } from './listener.ts';
import { createMetricSet } from './metrics.ts';
import { redisMetrics } from './redis-metrics.ts';

export interface CollectOptions {
  /** Where the metrics are registered. In a worker of `node:cluster`: the registry that its primary aggregates. */
  readonly registry: Registry;
  /**
   * Channels to leave alone, with their metrics: `['spillway:cache:get']`. For what a program counts by itself, or where one
   * message per request is too many: a channel that nobody listens to costs nothing.
   */
  readonly except?: readonly string[];
}

export interface Collection {
  /** Stops listening, and takes the metrics off the registry. */
  close(): void;
}

const ALL: readonly ChannelMetrics[] = [
  ...limitMetrics,
  ...cacheMetrics,
  ...redisMetrics,
  ...idsMetrics,
  ...eventsMetrics,
];

/**
 * Turns what the packages say on their diagnostics channels into metrics; `docs/2.reference/metrics.md` lists them. Call it
 * before links, caches and the like are made: a state is known from its first change on. Labels are names from the
 * configuration (a policy, a cache, a link), never a user's key.
 * @throws {ConfigurationError} when `except` names a channel that is not listened to
 * @throws {Error} when the registry has these metrics already
 */
export function collectPrometheus({ registry, except = [] }: CollectOptions): Collection {
  const unknown = except.filter((name) => !ALL.some(({ channel }) => channel === name));
  if (unknown.length > 0) {
    const known = ALL.map(({ channel }) => `"${channel}"`).join(', ');
    const issues = unknown.map((name) => ({ path: 'except', message: `must be among ${known}, got "${name}"` }));
    throw new ConfigurationError('Metrics are set up wrong:', issues);
  }
  const metrics = createMetricSet(registry);
  const errors = metrics.counter(
    'telemetry_errors_total',
    'Messages that could not be understood: packages of different versions',
    ['channel'],
  );
  const listeners = ALL.filter(({ channel }) => !except.includes(channel)).map(({ channel, create }) => {
    const receive = create(metrics);
    const guarded = (message: unknown): void => {
      try {
        receive(message);
      } catch {
        // What a subscriber of a channel throws would end the process.
        errors.add(1, channel);
      }
    };
    return { channel, guarded };
  });
  for (const { channel, guarded } of listeners) subscribe(channel, guarded);
  return {
    close() {
      for (const { channel, guarded } of listeners) unsubscribe(channel, guarded);
      metrics.close();
    },
  };
}
