import { OverloadedError } from '@spillway/kernel';
import type { IdStock } from './core/id-stock.ts';

/** Callers for whom there were not enough ids in hand, in the order in which they came. */
export interface Waiters {
  readonly size: number;
  /** Ids they ask for, altogether. */
  readonly demand: number;
  wait(count: number, signal?: AbortSignal): Promise<number[]>;
  /** Serves them in order for as long as the stock lasts. */
  serve(stock: IdStock): void;
  /** Serves whom the stock can still serve, whatever their turn, and rejects the rest. */
  giveUp(stock: IdStock, error: unknown): void;
}

interface Waiter {
  readonly count: number;
  settle(ids: number[] | undefined, error?: unknown): void;
}

export function createWaiters(options: { max: number; patienceMs: number; tooLate: () => Error }): Waiters {
  const queue = new Set<Waiter>();
  let demand = 0;

  const serveOne = (waiter: Waiter, stock: IdStock): boolean => {
    const ids = stock.take(waiter.count);
    if (ids === undefined) return false;
    waiter.settle(ids);
    return true;
  };

  return {
    get size() {
      return queue.size;
    },
    get demand() {
      return demand;
    },
    wait(count, signal) {
      if (queue.size >= options.max) return Promise.reject(new OverloadedError('The queue for ids', options.max));
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const abort = () => waiter.settle(undefined, signal?.reason);
        const timer = setTimeout(() => waiter.settle(undefined, options.tooLate()), options.patienceMs);
        const waiter: Waiter = {
          count,
          settle(ids, error) {
            queue.delete(waiter);
            demand -= count;
            clearTimeout(timer);
            signal?.removeEventListener('abort', abort);
            if (ids === undefined) reject(error);
            else resolve(ids);
          },
        };
        signal?.addEventListener('abort', abort, { once: true });
        queue.add(waiter);
        demand += count;
      });
    },
    serve(stock) {
      for (const waiter of queue) {
        if (!serveOne(waiter, stock)) return;
      }
    },
    giveUp(stock, error) {
      for (const waiter of queue) {
        if (!serveOne(waiter, stock)) waiter.settle(undefined, error);
      }
    },
  };
}
