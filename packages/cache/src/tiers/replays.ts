const BACKOFF_MS = { first: 50, most: 1_000 };

/** Runs one piece of work now and then, never twice at a time, and again until it succeeds. */
export interface Replays {
  /** As soon as may be, or once more when it is running. */
  now(): void;
  /** After the time that the last failures have made due. */
  later(): void;
  close(): void;
}

/**
 * @param work must not reject; false: it has to be tried again
 * @param isWorthIt asked before each run. When it says no, somebody has to call `now` later.
 */
export function createReplays(work: () => Promise<boolean>, isWorthIt: () => boolean, random: () => number): Replays {
  let running: 'no' | 'yes' | 'and-again' = 'no';
  let backoffMs = BACKOFF_MS.first;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const after = (delayMs: number): void => {
    if (closed) return;
    if (running !== 'no') {
      running = 'and-again';
      return;
    }
    clearTimeout(timer);
    // Spread over the instances, so that they do not all come at once to a store that just came back.
    timer = setTimeout(() => void run(), delayMs * (1 + random()));
    timer.unref();
  };
  // A function, since the compiler does not see that it changes across an await.
  const isAskedAgain = (): boolean => running === 'and-again';
  const run = async (): Promise<void> => {
    if (!isWorthIt()) return;
    running = 'yes';
    const done = await work();
    const again = !done || isAskedAgain();
    running = 'no';
    backoffMs = done ? BACKOFF_MS.first : Math.min(backoffMs * 2, BACKOFF_MS.most);
    if (again) after(backoffMs);
  };

  return {
    now: () => after(0),
    later: () => after(backoffMs),
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
