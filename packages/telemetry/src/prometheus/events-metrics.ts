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
import { type Listener, on } from './listener.ts';
import type { MetricSet } from './metrics.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function eventsMetrics(metrics: MetricSet): Listener[] {
  return [...producerMetrics(metrics), ...sinkMetrics(metrics)];
}

function producerMetrics(metrics: MetricSet): Listener[] {
  const batches = metrics.counter('events_batches_total', 'Batches by how far they are (spooled, sent, resent)', [
    'log',
    'stage',
  ]);
  const events = metrics.counter('events_batched_total', 'Events in these batches', ['log', 'stage']);
  const bytes = metrics.counter('events_batch_bytes_total', 'Bytes of these batches', ['log', 'stage']);
  const dropped = metrics.counter('events_dropped_total', 'Events that will never be counted, by reason', [
    'log',
    'reason',
  ]);
  const retries = metrics.counter('events_retries_total', 'Failures of what will be tried again', ['log', 'what']);
  const adopted = metrics.counter('events_adopted_total', 'Spools of dead producers taken over (taken, drained)', [
    'log',
    'stage',
  ]);
  const spool = metrics.gauge('events_spool_bytes', 'Bytes in the spool of this process', ['log'], 'sum');
  const spoolMax = metrics.gauge('events_spool_max_bytes', 'Bytes that the spool may hold', ['log'], 'sum');
  const writable = metrics.gauge('events_spool_writable', '1 while the spool takes batches, else 0', ['log'], 'min');
  return [
    on<BatchMessage>('spillway:events:batch', (message) => {
      batches.add(1, message.log, message.stage);
      events.add(message.events, message.log, message.stage);
      bytes.add(message.bytes, message.log, message.stage);
    }),
    on<DroppedMessage>('spillway:events:dropped', (message) =>
      dropped.add(message.events, message.log, message.reason),
    ),
    on<RetryMessage>('spillway:events:retry', ({ log, what }) => retries.add(1, log, what)),
    on<AdoptedMessage>('spillway:events:adopted', ({ log, stage }) => adopted.add(1, log, stage)),
    on<SpoolMessage>('spillway:events:spool', (message) => {
      spool.set(message.bytes, message.log);
      spoolMax.set(message.maxBytes, message.log);
      writable.set(message.state === 'writable' ? 1 : 0, message.log);
    }),
  ];
}

function sinkMetrics(metrics: MetricSet): Listener[] {
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
  const deadLetters = metrics.counter('events_dead_letters_total', 'Events that the sink put aside, by reason', [
    'log',
    'reason',
  ]);
  const gaps = metrics.counter('events_gap_batches_total', 'Batches that no one could supply any more', ['log']);
  return [
    on<CommittedMessage>('spillway:events:committed', (message) => {
      committed.add(message.events, message.log);
      commits.add(1, message.log);
      skipped.add(message.skipped, message.log);
      lag.set(message.lagMs / 1000, message.log);
      durations.observe(message.durationMs / 1000, message.log);
    }),
    on<DeadLetterMessage>('spillway:events:dead-letter', (message) =>
      deadLetters.add(message.events, message.log, message.reason),
    ),
    on<GapMessage>('spillway:events:gap', ({ log, batches }) => gaps.add(batches, log)),
  ];
}
