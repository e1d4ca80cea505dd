import type {
  AdoptedMessage,
  BatchMessage,
  CommittedMessage,
  DeadLetterMessage,
  DroppedMessage,
  GapMessage,
  RetryMessage,
  SpoolMessage,
} from '@spillway/events';
import { type ChannelMetrics, on } from './listener.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

const producerMetrics: readonly ChannelMetrics[] = [
  on<BatchMessage>('spillway:events:batch', (metrics) => {
    const help = 'Batches by how far they are (spooled, sent, resent)';
    const batches = metrics.counter('events_batches_total', help, ['log', 'stage']);
    const events = metrics.counter('events_batched_total', 'Events in these batches', ['log', 'stage']);
    const bytes = metrics.counter('events_batch_bytes_total', 'Bytes of these batches', ['log', 'stage']);
    return (message) => {
      batches.add(1, message.log, message.stage);
      events.add(message.events, message.log, message.stage);
      bytes.add(message.bytes, message.log, message.stage);
    };
  }),
  on<DroppedMessage>('spillway:events:dropped', (metrics) => {
    const help = 'Events that will never be counted, by reason';
    const dropped = metrics.counter('events_dropped_total', help, ['log', 'reason']);
    return ({ log, reason, events }) => dropped.add(events, log, reason);
  }),
  on<RetryMessage>('spillway:events:retry', (metrics) => {
    const retries = metrics.counter('events_retries_total', 'Failures of what will be tried again', ['log', 'what']);
    return ({ log, what }) => retries.add(1, log, what);
  }),
  on<AdoptedMessage>('spillway:events:adopted', (metrics) => {
    const help = 'Spools of dead producers taken over (taken, drained)';
    const adopted = metrics.counter('events_adopted_total', help, ['log', 'stage']);
    return ({ log, stage }) => adopted.add(1, log, stage);
  }),
  on<SpoolMessage>('spillway:events:spool', (metrics) => {
    const bytes = metrics.gauge('events_spool_bytes', 'Bytes in the spool of this process', ['log'], 'sum');
    const maxBytes = metrics.gauge('events_spool_max_bytes', 'Bytes that the spool may hold', ['log'], 'sum');
    const writable = metrics.gauge('events_spool_writable', '1 while the spool takes batches, else 0', ['log'], 'min');
    return (message) => {
      bytes.set(message.bytes, message.log);
      maxBytes.set(message.maxBytes, message.log);
      writable.set(message.state === 'writable' ? 1 : 0, message.log);
    };
  }),
];

const sinkMetrics: readonly ChannelMetrics[] = [
  on<CommittedMessage>('spillway:events:committed', (metrics) => {
    const committed = metrics.counter('events_committed_total', 'Events committed by the sink', ['log']);
    const commits = metrics.counter('events_commits_total', 'Transactions committed by the sink', ['log']);
    const skipped = metrics.counter('events_skipped_batches_total', 'Batches that the sink had seen before', ['log']);
    const lag = metrics.gauge(
      'events_lag_seconds',
      'Age of the oldest batch of the latest commit, by its producer’s clock',
      ['log'],
      'max',
    );
    const durations = metrics.histogram('events_commit_duration_seconds', 'Time of a commit', ['log'], SECONDS);
    return (message) => {
      committed.add(message.events, message.log);
      commits.add(1, message.log);
      skipped.add(message.skipped, message.log);
      lag.set(message.lagMs / 1000, message.log);
      durations.observe(message.durationMs / 1000, message.log);
    };
  }),
  on<DeadLetterMessage>('spillway:events:dead-letter', (metrics) => {
    const help = 'Events that the sink put aside, by reason';
    const deadLetters = metrics.counter('events_dead_letters_total', help, ['log', 'reason']);
    return ({ log, reason, events }) => deadLetters.add(events, log, reason);
  }),
  on<GapMessage>('spillway:events:gap', (metrics) => {
    const help = 'Batches that no one could supply any more';
    const gaps = metrics.counter('events_gap_batches_total', help, ['log']);
    return ({ log, batches }) => gaps.add(batches, log);
  }),
];

export const eventsMetrics: readonly ChannelMetrics[] = [...producerMetrics, ...sinkMetrics];
