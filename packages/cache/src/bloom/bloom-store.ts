import type { BloomShape } from '../core/bloom/bloom-shape.ts';

/** The bits of one key each. */
export type BloomBatch = readonly (readonly number[])[];

/**
 * Where the bits of a filter are. It has at most one complete generation, which answers, and one that is being built. Whatever it has lost, of
 * either, in whatever way, it knows: what is not whole is not there.
 */
export interface BloomStore {
  open(name: string, shape: BloomShape): BloomSpace;
}

export interface BloomSpace {
  /** For each key whether all its bits are set; undefined when there is no complete generation of this shape. */
  check(batch: BloomBatch): Promise<readonly boolean[] | undefined>;
  /** Sets the bits in both generations; one of another shape is given up, since they would be missing there. */
  add(batch: BloomBatch): Promise<void>;
  /** Begins a generation, unless another one is being built: whose builder was heard of less than its `leaseMs` ago. */
  begin(token: string, leaseMs: number): Promise<'begun' | 'busy'>;
  /** Sets bits in the generation of this token only. `lost`: it is not being built any more, or has not all its bits. */
  fill(token: string, leaseMs: number, batch: BloomBatch): Promise<'filled' | 'lost'>;
  /** The generation answers from now on, in place of the one before. */
  complete(token: string): Promise<'completed' | 'lost'>;
}

/** Keys in one call: a bound on how long it keeps others waiting. */
export const MAX_BATCH = 128;
