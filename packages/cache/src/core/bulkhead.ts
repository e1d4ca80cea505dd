import { OverloadedError } from '@spillway/kernel';

/** One place among those that run, to be given back exactly once. */
export type Release = () => void;

/** Someone who may still have to wait. */
export interface Ticket {
  /** Resolves when there is room. Never settles after `leave`. */
  readonly admitted: Promise<Release>;
  /** Gives up waiting; does nothing once admitted. */
  leave(): void;
}

/**
 * At most `concurrent` at a time, at most `queued` waiting, first come first served; the rest is refused at once. Whoever leaves
 * the queue makes room in it, so that callers who gave up do not keep others out. Every operation is O(1).
 */
export interface Bulkhead {
  /** @throws {OverloadedError} when all places and the queue are taken */
  enter(): Ticket;
  readonly running: number;
  readonly queued: number;
}

export function createBulkhead(what: string, bounds: { concurrent: number; queued: number }): Bulkhead {
  let running = 0;
  // A Set keeps the order of arrival, and lets anyone leave from the middle.
  const waiting = new Set<(release: Release) => void>();

  const place = (): Release => {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      for (const next of waiting) {
        waiting.delete(next);
        next(place());
        return;
      }
      running -= 1;
    };
  };

  return {
    enter() {
      if (running < bounds.concurrent) {
        running += 1;
        return { admitted: Promise.resolve(place()), leave: () => undefined };
      }
      if (waiting.size >= bounds.queued) throw new OverloadedError(what, bounds.concurrent + bounds.queued);
      const { promise, resolve } = Promise.withResolvers<Release>();
      waiting.add(resolve);
      return { admitted: promise, leave: () => void waiting.delete(resolve) };
    },
    get running() {
      return running;
    },
    get queued() {
      return waiting.size;
    },
  };
}
