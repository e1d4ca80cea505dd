/** Numbers that were passed over, both ends included. */
export interface Gap {
  readonly low: number;
  readonly high: number;
  /** When it was noticed. */
  readonly sinceMs: number;
}

/**
 * The numbers below the highest one read that have not been seen: of transactions that are still open, or that never
 * committed. Bounded (G7): at the bound neighbours become one gap, and the numbers between them count as not seen again.
 */
export interface Gaps {
  /** In order. */
  readonly all: readonly Gap[];
  /** `gap` is above all others. */
  open(gap: Gap): void;
  /** Seen after all. */
  fill(seq: number): void;
  has(seq: number): boolean;
  /** Gives up those noticed before that time. */
  forget(beforeMs: number): void;
}

export function createGaps(most: number): Gaps {
  let all: Gap[] = [];
  return {
    get all() {
      return all;
    },
    open(gap) {
      const last = all.at(-1);
      if (last === undefined || all.length < most) all.push(gap);
      else all[all.length - 1] = { ...gap, low: last.low };
    },
    fill(seq) {
      const at = all.findIndex(({ high }) => high >= seq);
      const gap = all[at];
      if (gap === undefined || gap.low > seq) return;
      const parts = [
        { ...gap, high: seq - 1 },
        { ...gap, low: seq + 1 },
      ].filter(({ low, high }) => low <= high);
      if (all.length - 1 + parts.length <= most) all.splice(at, 1, ...parts);
    },
    has: (seq) => all.some(({ low, high }) => low <= seq && seq <= high),
    forget(beforeMs) {
      all = all.filter(({ sinceMs }) => sinceMs >= beforeMs);
    },
  };
}
