import { type Clock, OverloadedError, StoreUnavailableError } from '@spillway/kernel';
import type { LoadContext, Loader } from './cache.ts';
import { createBulkhead, type Release, type Ticket } from './core/bulkhead.ts';
import type { Meter } from './meter.ts';

export interface LoadsBounds {
  readonly concurrent: number;
  readonly queued: number;
  readonly hardTimeoutMs: number;
}

/** Runs loaders, never too many at a time, and never waits too long for one. */
export interface Loads<Value> {
  /**
   * What the loader answers. A load that is past its hard timeout rejects here and keeps its place until it settles: the truth is
   * never asked for more than `concurrent` at once. What it still brings goes to `onLate`.
   * @throws {OverloadedError} when there is no room, or none within the hard timeout
   * @throws {StoreUnavailableError} past the hard timeout
   */
  run(key: string, loader: Loader<Value>, onLate: (value: Value | undefined) => void): Promise<Value | undefined>;
  readonly running: number;
  readonly queued: number;
}

export function createLoads<Value>(name: string, bounds: LoadsBounds, clock: Clock, meter: Meter): Loads<Value> {
  const what = `The queue of loads of cache ${JSON.stringify(name)}`;
  const bulkhead = createBulkhead(what, bounds);
  const refused = (): OverloadedError => new OverloadedError(what, bounds.concurrent + bounds.queued);

  const enter = (): Ticket => {
    try {
      return bulkhead.enter();
    } catch (error) {
      meter.load('overloaded', 0);
      meter.bound('loads');
      throw error;
    }
  };

  return {
    async run(key, loader, onLate) {
      const beganUs = clock.nowUs();
      const ticket = enter();
      const context = new LazyContext();
      const { promise, resolve, reject } = Promise.withResolvers<Value | undefined>();
      let phase: 'waiting' | 'running' | 'over' = 'waiting';
      const end = (outcome: Parameters<Meter['load']>[0]): void => {
        phase = 'over';
        clearTimeout(timer);
        meter.load(outcome, (clock.nowUs() - beganUs) / 1000);
      };

      const timer = setTimeout(() => {
        const started = phase === 'running';
        end(started ? 'timed-out' : 'overloaded');
        ticket.leave();
        const error = started
          ? new StoreUnavailableError('load', undefined, `did not answer within ${bounds.hardTimeoutMs} ms`)
          : refused();
        if (!started) meter.bound('loads');
        context.abort(error);
        reject(error);
      }, bounds.hardTimeoutMs);

      const start = async (release: Release): Promise<void> => {
        try {
          // The place may have come in the very turn in which the wait was over.
          if (phase === 'over') return;
          phase = 'running';
          const value = await loader(key, context);
          if (isOver(phase)) return onLate(value);
          end(value === undefined ? 'absent' : 'loaded');
          resolve(value);
        } catch (error) {
          if (isOver(phase)) return;
          end('failed');
          reject(error);
        } finally {
          release();
        }
      };
      void ticket.admitted.then(start);
      return await promise;
    },
    get running() {
      return bulkhead.running;
    },
    get queued() {
      return bulkhead.queued;
    },
  };
}

// Its own function, since the compiler does not see that the timer changes `phase` across an await.
const isOver = (phase: string): boolean => phase === 'over';

/** An AbortController costs more than many a load: it is made when a loader asks for the signal. */
class LazyContext implements LoadContext {
  #controller: AbortController | undefined;
  #reason: { readonly error: unknown } | undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason.error);
    }
    return this.#controller.signal;
  }

  abort(error: unknown): void {
    this.#reason = { error };
    this.#controller?.abort(error);
  }
}
