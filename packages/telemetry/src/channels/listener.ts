import type { MetricSet } from './metric-set.ts';

/** The metrics of one channel: they are made only when it is listened to. */
export interface ChannelMetrics {
  readonly channel: string;
  readonly create: (metrics: MetricSet) => (message: unknown) => void;
}

/** Metrics of what is asked for when somebody reads them: whoever is published a function on the channel calls it. */
export interface AskedMetrics<Report extends readonly unknown[] = readonly unknown[]> {
  readonly channel: string;
  readonly create: (metrics: MetricSet, ask: (tell: (...report: Report) => void) => void) => void;
}

/**
 * The one place where a message gets its type: by the name of its channel, since the types belong to the emitters and the
 * packages that emit need not be installed.
 */
export const on = <Message>(
  channel: string,
  create: (metrics: MetricSet) => (message: Message) => void,
): ChannelMetrics => ({ channel, create: create as ChannelMetrics['create'] });
