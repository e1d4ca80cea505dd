import type { Soak } from './start-instance.ts';

export interface StaleAnswer {
  readonly key: string;
  readonly got: number;
  readonly atLeast: number;
  /** After the answer to the write that it should have shown. */
  readonly lateMs: number;
}

/** G5 over a recorded history: no answer later than `withinMs` after a write was answered may be older than it. */
export function checkFreshness(histories: readonly Soak[], withinMs: number): readonly StaleAnswer[] {
  const stale: StaleAnswer[] = [];
  for (const key of new Set(histories.flatMap(({ written }) => written.map(([, name]) => name)))) {
    const writes = histories
      .flatMap(({ written }) => written.filter(([, name]) => name === key))
      .sort(([a], [b]) => a - b);
    const reads = histories.flatMap(({ seen }) => seen.filter(([, name]) => name === key)).sort(([a], [b]) => a - b);
    let next = 0;
    let atLeast = 0;
    let since = 0;
    for (const [at, , version, from] of reads) {
      for (let write = writes[next]; write !== undefined && write[0] + withinMs < at; write = writes[++next]) {
        if (write[2] > atLeast) [since, , atLeast] = write;
      }
      // Nothing there yet reads as NaN. A stale answer says so itself.
      if (from !== 'stale' && version < atLeast) stale.push({ key, got: version, atLeast, lateMs: at - since });
    }
  }
  return stale;
}
