import { OverloadedError, StoreUnavailableError } from '@spillway/kernel';

/**
 * Writes one after the other, as SQLite takes them: whoever comes next waits for the transaction that is open, so many at most and
 * so long at most.
 */
export interface WriteTurns {
  /**
   * @throws {OverloadedError} when too many wait already
   * @throws {StoreUnavailableError} when its turn did not come in time; it has not run then
   */
  run<Result>(operation: string, work: () => Promise<Result>): Promise<Result>;
  stats(): WriteStats;
}

export interface WriteStats {
  readonly waiting: number;
  /** Since the start: that found the queue full, and whose turn did not come in time. */
  readonly refused: { readonly full: number; readonly late: number };
}

export interface WriteTurnsOptions {
  /** Most that wait. Default: 1,000. */
  readonly queued?: number;
  /** Longest that one waits. Default: 5,000. */
  readonly patienceMs?: number;
}

export function createWriteTurns({ queued = 1_000, patienceMs = 5_000 }: WriteTurnsOptions = {}): WriteTurns {
  const waiting = new Set<() => void>();
  const refused = { full: 0, late: 0 };
  let busy = false;

  const turn = (operation: string): Promise<void> => {
    if (waiting.size >= queued) {
      refused.full += 1;
      return Promise.reject(new OverloadedError('The queue of writes', queued));
    }
    return new Promise((resolve, reject) => {
      const begin = () => {
        clearTimeout(timer);
        waiting.delete(begin);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.delete(begin);
        refused.late += 1;
        const detail = `had other writes to do for ${patienceMs} ms`;
        reject(new StoreUnavailableError(operation, undefined, detail, { mayHaveRun: false }));
      }, patienceMs);
      waiting.add(begin);
    });
  };

  return {
    async run(operation, work) {
      if (busy) await turn(operation);
      busy = true;
      try {
        return await work();
      } finally {
        // Handed over, so that nobody who comes meanwhile gets in between.
        const [next] = waiting;
        if (next === undefined) busy = false;
        else next();
      }
    },
    stats: () => ({ waiting: waiting.size, refused: { ...refused } }),
  };
}
