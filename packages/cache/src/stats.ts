/** Counts since the cache was made, and what it holds now. */
export interface CacheStats {
  /** Answers to callers by tier; `negative` are those of them that said "no value". */
  readonly answers: {
    readonly l1: number;
    readonly l2: number;
    readonly loader: number;
    readonly stale: number;
    readonly negative: number;
    readonly failed: number;
  };
  readonly l1: {
    readonly entries: number;
    readonly bytes: number;
    readonly evicted: number;
    readonly tooLarge: number;
    /** Tags that something in this process is under. */
    readonly tags: number;
  };
  readonly loads: {
    readonly running: number;
    readonly queued: number;
    readonly loaded: number;
    readonly failed: number;
    readonly overloaded: number;
    readonly timedOut: number;
  };
  /** Look-ups that wait, or have waited, for a load of another process: see `CacheWaitMessage`. */
  readonly waits: {
    readonly waiting: number;
    readonly answered: number;
    readonly failed: number;
    readonly restarted: number;
    readonly timedOut: number;
    readonly takenOver: number;
    readonly alone: number;
  };
  readonly l2: {
    readonly filled: number;
    readonly refused: number;
    readonly errors: number;
    /** Deletes that the store has not confirmed yet, of keys and of tags. */
    readonly pendingDeletes: number;
    /** Keys and tags that are not read from the store here, since another instance has such a delete to make. */
    readonly suspects: number;
    /** `all`: nothing is read from the store at present. */
    readonly bypassed: 'none' | 'pending-keys' | 'all';
  };
  /** Keys being looked up or loaded. */
  readonly flights: number;
  /** Moments after which everything in L1 had to be proven again. */
  readonly gaps: number;
}
