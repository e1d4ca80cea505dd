export type { Batch, BatchId } from './batch.ts';
export type {
  AdoptedMessage,
  BatchMessage,
  CommittedMessage,
  DeadLetterMessage,
  DroppedMessage,
  DropReason,
  GapMessage,
  RetryMessage,
  SpoolMessage,
} from './channels.ts';
export { type EventCodec, jsonCodec } from './codec.ts';
export { createEventLog, type EventLog, type EventLogStats } from './event-log.ts';
export type { AdoptedStats } from './log/adopter.ts';
export type { EventLogOptions } from './log/options.ts';
export type { WriteEvents } from './sink/write-events.ts';
export { createSink, type Sink, type SinkOptions, type SinkStats } from './sink.ts';
export { type DirectoryLock, DirectoryLockedError, lockDirectory } from './spool/directory-lock.ts';
export type { Delivery, EventReceiver, EventTransport, Parcel } from './transport.ts';
export type { Watermark, WatermarkSource } from './watermarks.ts';
