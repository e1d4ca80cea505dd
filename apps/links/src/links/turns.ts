import { OverloadedError } from '@spillway/kernel';

/**
 * A bulkhead for work that nothing can be cached of: at most `concurrent` pieces at a time, and one of each subject, since more of
 * the same would only wait for its row's lock, each on a connection of its own.
 */
export interface Turns {
  /** @throws {OverloadedError} when too many wait already */
  run<Result>(subject: string, work: () => Promise<Result>): Promise<Result>;
}

export interface TurnsOptions {
  /** For the message: `"The queue of limited clicks"`. */
  readonly name: string;
  readonly concurrent: number;
  /** Most that wait, all subjects together. */
  readonly queued: number;
}

export function createTurns({ name, concurrent, queued }: TurnsOptions): Turns {
  const busy = new Set<string>();
  const waiting = new Map<string, (() => void)[]>();
  let waiters = 0;

  const begin = (): void => {
    for (const [subject, queue] of waiting) {
      if (busy.size >= concurrent) return;
      if (busy.has(subject)) continue;
      busy.add(subject);
      waiters -= 1;
      const next = queue.shift();
      waiting.delete(subject);
      // Behind the other subjects: a popular one takes its turn like the rest.
      if (queue.length > 0) waiting.set(subject, queue);
      next?.();
    }
  };

  return {
    async run(subject, work) {
      if (busy.size < concurrent && !busy.has(subject)) busy.add(subject);
      else {
        if (waiters >= queued) throw new OverloadedError(name, queued);
        waiters += 1;
        await new Promise<void>((resolve) => {
          const queue = waiting.get(subject);
          if (queue === undefined) waiting.set(subject, [resolve]);
          else queue.push(resolve);
        });
      }
      try {
        return await work();
      } finally {
        busy.delete(subject);
        begin();
      }
    },
  };
}
