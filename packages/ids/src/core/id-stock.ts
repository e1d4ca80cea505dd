import type { IdRange } from './block-range.ts';

/** The ids in hand: ranges used up one after the other. */
export interface IdStock {
  readonly remaining: number;
  add(range: IdRange): void;
  /** `undefined` when there is none. */
  takeOne(): number | undefined;
  /** All `count` of them, or nothing and `undefined`: a half-filled batch would be burned if the rest never came. */
  take(count: number): number[] | undefined;
}

export function createIdStock(): IdStock {
  const ranges: IdRange[] = [];
  let remaining = 0;

  const takeOne = (): number | undefined => {
    const range = ranges[0];
    if (range === undefined) return undefined;
    const id = range.next;
    range.next += 1;
    remaining -= 1;
    if (range.next === range.end) ranges.shift();
    return id;
  };

  return {
    get remaining() {
      return remaining;
    },
    add(range) {
      ranges.push({ ...range });
      remaining += range.end - range.next;
    },
    takeOne,
    take(count) {
      if (count > remaining) return undefined;
      const ids: number[] = [];
      for (let id = takeOne(); id !== undefined; id = takeOne()) {
        ids.push(id);
        if (ids.length === count) break;
      }
      return ids;
    },
  };
}
