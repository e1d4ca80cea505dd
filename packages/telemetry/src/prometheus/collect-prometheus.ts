import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Registry } from 'prom-client';
import { cacheMetrics } from './cache-metrics.ts';
import { eventsMetrics } from './events-metrics.ts';
import { idsMetrics } from './ids-metrics.ts';
import { limitMetrics } from './limit-metrics.ts';
import type { Listener } from './listener.ts';
import { createMetricSet, type Tally } from './metrics.ts';
import { redisMetrics } from './redis-metrics.ts';

export interface CollectOptions {
  /** Where the metrics are registered. In a worker of `node:cluster`: the registry that its primary aggregates. */
  readonly registry: Registry;
}

export interface Collection {
  /** Stops listening, and takes the metrics off the registry. */
  close(): void;
}

/**
 * Turns what the packages say on their diagnostics channels into metrics; `docs/2.reference/metrics.md` lists them. Call it
 * before links, caches and the like are made: a state is known from its first change on. Labels are names from the
 * configuration (a policy, a cache, a link), never a user's key.
 * @throws {Error} when the registry has these metrics already
 */
export function collectPrometheus({ registry }: CollectOptions): Collection {
  const metrics = createMetricSet(registry);
  const errors = metrics.counter(
    'telemetry_errors_total',
    'Messages that could not be understood: packages of different versions',
    ['channel'],
  );
  const listeners = [limitMetrics, cacheMetrics, redisMetrics, idsMetrics, eventsMetrics]
    .flatMap((create) => create(metrics))
    .map((listener) => guarded(listener, errors));
  for (const { channel, receive } of listeners) subscribe(channel, receive);
  return {
    close() {
      for (const { channel, receive } of listeners) unsubscribe(channel, receive);
      metrics.close();
    },
  };
}

// What a subscriber of a channel throws ends the process.
const guarded = ({ channel, receive }: Listener, errors: Tally): Listener => ({
  channel,
  receive(message) {
    try {
      receive(message);
    } catch {
      errors.add(1, channel);
    }
  },
});
