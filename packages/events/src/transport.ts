import type { Watermark } from './watermarks.ts';

/** A batch on its way. `floor` is the sender's newest, so it stands beside the frame, which never changes. */
export interface Parcel {
  readonly floor: number;
  readonly frame: Uint8Array;
}

export interface Delivery extends Parcel {
  readonly receipt: string;
}

/**
 * Carries batches from producers to the consumers of one sink. It may lose, repeat, delay and reorder: the spool and the
 * watermark make up for it. It never needs to be durable.
 */
export interface EventTransport {
  /** Resolves with one receipt per parcel. A rejection says nothing: all, some or none may have arrived, or may do so later. */
  send(parcels: readonly Parcel[]): Promise<readonly string[]>;
  /** Which of these it surely does not hold any more. Rejects when it can not tell. */
  missing(receipts: readonly string[]): Promise<ReadonlySet<string>>;
  /** One consumer's end. Each delivery goes to one consumer, and to another one if that dies. */
  receive(options: { readonly log: string; readonly consumer: string }): EventReceiver;
  /** Called in the process in which a sink committed, so that its producers need not poll. Returns how to stop. */
  onCommitted(listener: (watermarks: readonly Watermark[]) => void): () => void;
  close(): Promise<void>;
}

export interface EventReceiver {
  /**
   * Waits for deliveries at most `waitMs`, then resolves with none. Rejects when the transport is away.
   * What was delivered stays this consumer's until `done`.
   */
  next(options: {
    readonly maxBatches: number;
    readonly waitMs: number;
    readonly signal: AbortSignal;
  }): Promise<readonly Delivery[]>;
  /** They are committed, or of no use: forget them. */
  done(deliveries: readonly Delivery[], watermarks: readonly Watermark[]): Promise<void>;
  close(): Promise<void>;
}
