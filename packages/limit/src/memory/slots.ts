import type { TokenBucketState } from '../core/token-bucket.ts';

/** Token bucket states in flat arrays: 8 bytes a slot, 16 once a state has a fraction. They grow by doubling. */
export interface Slots {
  read(slot: number): TokenBucketState;
  write(slot: number, state: TokenBucketState): void;
  /** `fullAtUs` of a state without a fraction; NaN where there is one. */
  readWhole(slot: number): number;
  /** Over a state without a fraction. */
  writeWhole(slot: number, fullAtUs: number): void;
}

/** A slot that was never written reads as a bucket that has always been full. */
export function createSlots(initial = 1024): Slots {
  let fullAt = new Float64Array(initial).fill(Number.NEGATIVE_INFINITY);
  let fraction: Float64Array | undefined;
  return {
    read: (slot) => ({
      fullAtUs: fullAt[slot] ?? Number.NEGATIVE_INFINITY,
      fraction: fraction === undefined ? 0 : (fraction[slot] ?? 0),
    }),
    write(slot, state) {
      if (slot >= fullAt.length) fullAt = grown(fullAt, slot);
      fullAt[slot] = state.fullAtUs;
      if (fraction === undefined && state.fraction === 0) return;
      fraction ??= new Float64Array(fullAt.length);
      if (slot >= fraction.length) fraction = grown(fraction, slot);
      fraction[slot] = state.fraction;
    },
    readWhole: (slot) =>
      fraction === undefined || (fraction[slot] ?? 0) === 0 ? (fullAt[slot] ?? Number.NEGATIVE_INFINITY) : Number.NaN,
    writeWhole(slot, fullAtUs) {
      if (slot >= fullAt.length) fullAt = grown(fullAt, slot);
      fullAt[slot] = fullAtUs;
    },
  };
}

function grown(array: Float64Array, slot: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(Math.max(array.length * 2, slot + 1));
  larger.set(array);
  return larger;
}
