import { OverloadedError } from '@spillway/kernel';

/**
 * At most `concurrent` at a time, at most `queued` waiting, first come first served; the rest is refused at once. Whoever leaves
 * the queue makes room in it, so that callers who gave up do not keep others out. Every operation is O(1).
 */
export interface Bulkhead {
  /**
   * Calls `start`, at once if there is room, else when there is. Whoever was started calls `release`, once.
   * @throws {OverloadedError} when all places and the queue are taken
   */
  enter(start: () => void): Waiter;
  /** Gives a place back. */
  release(): void;
  /** Gives up waiting; does nothing once started. */
  leave(waiter: Waiter): void;
  readonly running: number;
  readonly queued: number;
}

/** Someone in the queue, or past it. A linked list, so that anyone can leave from the middle. */
export interface Waiter {
  readonly start: () => void;
  state: 'waiting' | 'started' | 'left';
  before: Waiter | undefined;
  after: Waiter | undefined;
}

export function createBulkhead(what: string, bounds: { concurrent: number; queued: number }): Bulkhead {
  let running = 0;
  let queued = 0;
  let first: Waiter | undefined;
  let last: Waiter | undefined;

  const unlink = (waiter: Waiter): void => {
    if (waiter.before === undefined) first = waiter.after;
    else waiter.before.after = waiter.after;
    if (waiter.after === undefined) last = waiter.before;
    else waiter.after.before = waiter.before;
    queued -= 1;
    // What has left must not keep the later ones alive: see `FleetingMap`.
    waiter.before = undefined;
    waiter.after = undefined;
  };

  return {
    enter(start) {
      const waiter: Waiter = { start, state: 'waiting', before: undefined, after: undefined };
      if (running < bounds.concurrent) {
        running += 1;
        waiter.state = 'started';
        start();
        return waiter;
      }
      if (queued >= bounds.queued) throw new OverloadedError(what, bounds.concurrent + bounds.queued);
      queued += 1;
      waiter.before = last;
      if (last === undefined) first = waiter;
      else last.after = waiter;
      last = waiter;
      return waiter;
    },
    release() {
      const next = first;
      if (next === undefined) {
        running -= 1;
        return;
      }
      unlink(next);
      next.state = 'started';
      next.start();
    },
    leave(waiter) {
      if (waiter.state !== 'waiting') return;
      waiter.state = 'left';
      unlink(waiter);
    },
    get running() {
      return running;
    },
    get queued() {
      return queued;
    },
  };
}
