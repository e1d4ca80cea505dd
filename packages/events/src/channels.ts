import { channel } from 'node:diagnostics_channel';
import type { BatchId } from './batch.ts';
import type { SpoolDrop } from './spool/spool.ts';

/** Why an event will never be counted. */
export type DropReason =
  | SpoolDrop
  /** The ring was full: the disk is slower than the traffic, or hangs. */
  | 'ring-full'
  /** The codec threw. */
  | 'unencodable'
  /** One event alone is larger than a batch may be. */
  | 'too-large'
  /** Published after `close`. */
  | 'closed'
  /** The sink could not write it; its payload stands in `event_dead_letters`. */
  | 'dead-letter';

/** `spillway:events:batch`: a batch moved on. */
export interface BatchMessage extends BatchId {
  readonly log: string;
  readonly stage: 'spooled' | 'sent' | 'resent';
  readonly events: number;
  readonly bytes: number;
}

/** `spillway:events:committed`: a sink committed one transaction. */
export interface CommittedMessage {
  readonly log: string;
  readonly consumer: string;
  readonly batches: number;
  readonly events: number;
  /** Batches that were seen before. */
  readonly skipped: number;
  /** Age of the oldest of these batches, by its producer's clock. */
  readonly lagMs: number;
  readonly durationMs: number;
}

/** `spillway:events:dropped`: to be alarmed on. */
export interface DroppedMessage {
  readonly log: string;
  readonly producer: string;
  readonly reason: DropReason;
  readonly events: number;
  readonly error?: unknown;
}

/** `spillway:events:dead-letter`: a sink put events aside. */
export interface DeadLetterMessage extends BatchId {
  readonly log: string;
  readonly events: number;
  readonly reason: 'refused' | 'undecodable' | 'expired';
  readonly error?: unknown;
}

/** `spillway:events:retry`: something failed that will be tried again. */
export interface RetryMessage {
  readonly log: string;
  readonly what: 'send' | 'watermark' | 'receive' | 'commit' | 'done' | 'spool' | 'adopt';
  readonly error: unknown;
}

/** `spillway:events:gap`: batches that no one can supply any more were stepped over. */
export interface GapMessage extends BatchId {
  readonly log: string;
  readonly batches: number;
}

/** `spillway:events:adopted`: a dead producer's spool was taken over, or its last batch was committed. */
export interface AdoptedMessage extends Omit<BatchId, 'seq'> {
  readonly log: string;
  readonly stage: 'taken' | 'drained';
  readonly bytes: number;
  /** Bytes of which no batch could be made. */
  readonly damagedBytes: number;
}

/** `spillway:events:spool`: the spool's fill, after each batch that was written or dropped. */
export interface SpoolMessage {
  readonly log: string;
  readonly producer: string;
  readonly bytes: number;
  readonly maxBytes: number;
  readonly state: 'writable' | SpoolDrop;
}

// One emitter per channel: costs one property read when nobody listens, since the message is only made on demand.
const emitter = <Message>(name: string): ((message: () => Message) => void) => {
  const target = channel(`spillway:events:${name}`);
  return (message) => {
    if (target.hasSubscribers) target.publish(message());
  };
};

export const tell = {
  batch: emitter<BatchMessage>('batch'),
  committed: emitter<CommittedMessage>('committed'),
  dropped: emitter<DroppedMessage>('dropped'),
  deadLetter: emitter<DeadLetterMessage>('dead-letter'),
  retry: emitter<RetryMessage>('retry'),
  gap: emitter<GapMessage>('gap'),
  adopted: emitter<AdoptedMessage>('adopted'),
  spool: emitter<SpoolMessage>('spool'),
};
