import { channel as channelOf, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ConfigurationError } from '@spillway/kernel';
import { cacheMetrics } from './cache-metrics.ts';
import { cacheReports } from './cache-reports.ts';
import { eventsMetrics } from './events-metrics.ts';
import { idsMetrics } from './ids-metrics.ts';
import { limitMetrics } from './limit-metrics.ts';
import type { AskedMetrics, ChannelMetrics } from './listener.ts';
import type { MetricSet, Tally } from './metric-set.ts';
import { redisMetrics } from './redis-metrics.ts';

const ALL: readonly ChannelMetrics[] = [
  ...limitMetrics,
  ...cacheMetrics,
  ...redisMetrics,
  ...idsMetrics,
  ...eventsMetrics,
];

const ASKED: readonly AskedMetrics<never>[] = [cacheReports];

/** @throws {ConfigurationError} when `except` names a channel that is not listened to */
export function checkExcept(except: readonly string[]): void {
  const all = [...ALL, ...ASKED];
  const unknown = except.filter((name) => !all.some(({ channel }) => channel === name));
  if (unknown.length === 0) return;
  const known = all.map(({ channel }) => `"${channel}"`).join(', ');
  const issues = unknown.map((name) => ({ path: 'except', message: `must be among ${known}, got "${name}"` }));
  throw new ConfigurationError('Metrics are set up wrong:', issues);
}

/** Keeps metrics of all that the packages say, but on the channels of `except`. Returns what ends it. */
export function listen(metrics: MetricSet, except: readonly string[]): () => void {
  const errors = metrics.counter(
    'telemetry_errors_total',
    'Messages that could not be understood: packages of different versions',
    ['channel'],
  );
  const endings = ALL.filter(({ channel }) => !except.includes(channel)).map(({ channel, create }) =>
    guardedSubscription(channel, create(metrics), errors),
  );
  for (const { channel, create } of ASKED) {
    if (!except.includes(channel)) create(metrics, (tell) => ask(channel, tell, errors));
  }
  return () => {
    for (const end of endings) end();
    metrics.close();
  };
}

function ask(channel: string, tell: (...report: never) => void, errors: Tally): void {
  channelOf(channel).publish((...report: never) => {
    try {
      tell(...report);
    } catch {
      errors.add(1, channel);
    }
  });
}

function guardedSubscription(channel: string, receive: (message: unknown) => void, errors: Tally): () => void {
  const guarded = (message: unknown): void => {
    try {
      receive(message);
    } catch {
      // What a subscriber of a channel throws would end the process.
      errors.add(1, channel);
    }
  };
  subscribe(channel, guarded);
  return () => void unsubscribe(channel, guarded);
}
