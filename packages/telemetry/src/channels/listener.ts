import type { MetricSet } from './metric-set.ts';

/** The metrics of one channel: they are made only when it is listened to. */
export interface ChannelMetrics {
  readonly channel: string;
  readonly create: (metrics: MetricSet) => (message: unknown) => void;
}

/**
 * The one place where a message gets its type: by the name of its channel, since the types belong to the emitters and the
 * packages that emit need not be installed.
 */
export const on = <Message>(
  channel: string,
  create: (metrics: MetricSet) => (message: Message) => void,
): ChannelMetrics => ({ channel, create: create as ChannelMetrics['create'] });
