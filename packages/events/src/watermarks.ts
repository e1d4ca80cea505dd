import type { BatchId } from './batch.ts';

/** How far a sink has committed one epoch. */
export interface Watermark extends Omit<BatchId, 'seq'> {
  /** Every batch up to this one is committed. 0: none yet. */
  readonly seq: number;
  /** Events of these batches that were written. */
  readonly counted: number;
  /** Events of these batches that stand in the dead letters instead. */
  readonly deadLettered: number;
}

/** Where a producer learns what the sink has committed: the only thing that frees its spool. */
export interface WatermarkSource {
  /** @throws {StoreUnavailableError} when it can not be known now. An epoch that nobody committed yet has no entry. */
  read(of: readonly Omit<BatchId, 'seq'>[]): Promise<readonly Watermark[]>;
}
