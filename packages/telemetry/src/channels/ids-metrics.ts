import type { BlockMessage } from '@spillway/ids';
import { type ChannelMetrics, on } from './listener.ts';

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export const idsMetrics: readonly ChannelMetrics[] = [
  on<BlockMessage>('spillway:ids:block', (metrics) => {
    const blocks = metrics.counter('ids_blocks_total', 'Blocks of ids taken, by who proposed their number', [
      'allocator',
      'proposed_by',
    ]);
    const conflicts = metrics.counter(
      'ids_block_conflicts_total',
      'Proposed numbers that were taken already: a Redis that forgot',
      ['allocator'],
    );
    const failures = metrics.counter('ids_block_failures_total', 'Times that no block was to be had', ['allocator']);
    const durations = metrics.histogram('ids_block_duration_seconds', 'Time to get a block', ['allocator'], SECONDS);
    const remaining = metrics.gauge(
      'ids_remaining',
      'Ids in hand after the latest block; summed over worker processes',
      ['allocator'],
      'sum',
    );
    return (message) => {
      const { allocator } = message;
      durations.observe(message.tookMs / 1000, allocator);
      remaining.set(message.remaining, allocator);
      if (message.outcome === 'failed') {
        failures.add(1, allocator);
      } else {
        blocks.add(1, allocator, message.proposedBy);
        conflicts.add(message.conflicts, allocator);
      }
    };
  }),
];
