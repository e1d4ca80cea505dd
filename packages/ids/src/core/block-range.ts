/** The ids of a block that are still to be given out: `next` up to, not including, `end`. */
export interface IdRange {
  next: number;
  readonly end: number;
}

/** `number` counts from 1, so that ids do, too. `undefined` when it is no such number, or its ids are no safe integers. */
export function rangeOfBlock(number: number, blockSize: number): IdRange | undefined {
  const end = number * blockSize + 1;
  if (!Number.isSafeInteger(number) || number < 1 || !Number.isSafeInteger(end)) return undefined;
  return { next: end - blockSize, end };
}
