import { type Clock, OverloadedError, StoreUnavailableError } from '@spillway/kernel';
import { type Bulkhead, createBulkhead } from '../core/bulkhead.ts';
import type { Meter } from '../meter.ts';

export interface LoadsBounds {
  readonly concurrent: number;
  readonly queued: number;
  readonly hardTimeoutMs: number;
}

/** Runs loaders, never too many at a time, and never waits too long for one. */
export interface Loads {
  /**
   * What the loader answers about `what`: a key, or the keys of a batch, which is one load. A load that is past its hard timeout rejects here and keeps its place until it settles: the truth is
   * never asked for more than `concurrent` at once. What it still brings goes to `onLate`.
   * @param previous for the loader's context
   * @throws {OverloadedError} when there is no room, or none within the hard timeout
   * @throws {StoreUnavailableError} past the hard timeout
   */
  run<What, Previous, Loaded>(
    what: What,
    loader: (what: What, context: Context<Previous>) => Promise<Loaded>,
    onLate: (loaded: Loaded) => void,
    previous: Previous,
  ): Promise<Loaded>;
  readonly running: number;
  readonly queued: number;
}

interface Context<Previous> {
  readonly signal: AbortSignal;
  readonly previous: Previous;
}

export function createLoads(name: string, bounds: LoadsBounds, clock: Clock, meter: Meter): Loads {
  const queue = `The queue of loads of cache ${JSON.stringify(name)}`;
  const bulkhead = createBulkhead(queue, bounds);

  const refuse = (durationMs: number): void => {
    meter.load('overloaded', durationMs);
    meter.bound('loads');
  };

  return {
    run<What, Previous, Loaded>(
      what: What,
      loader: (what: What, context: Context<Previous>) => Promise<Loaded>,
      onLate: (loaded: Loaded) => void,
      previous: Previous,
    ) {
      const beganUs = clock.nowUs();
      const passedMs = (): number => (clock.nowUs() - beganUs) / 1000;
      const context = new LazyContext(previous);
      const { promise, resolve, reject } = Promise.withResolvers<Loaded>();
      let answered = false;

      const start = (): void => {
        void work(bulkhead, () => loader(what, context)).then(
          (value) => {
            if (answered) {
              onLate(value);
              return;
            }
            clearTimeout(timer);
            meter.load(value === undefined ? 'absent' : 'loaded', passedMs());
            resolve(value);
          },
          (error: unknown) => {
            if (answered) return;
            clearTimeout(timer);
            meter.load('failed', passedMs());
            reject(error);
          },
        );
      };

      const giveUp = (): void => {
        answered = true;
        const waiting = waiter.state === 'waiting';
        bulkhead.leave(waiter);
        if (waiting) {
          refuse(passedMs());
          reject(new OverloadedError(queue, bounds.concurrent + bounds.queued));
          return;
        }
        meter.load('timed-out', passedMs());
        const error = new StoreUnavailableError('load', undefined, `gave no answer within ${bounds.hardTimeoutMs} ms`);
        context.abort(error);
        reject(error);
      };

      const timer = setTimeout(giveUp, bounds.hardTimeoutMs);
      let waiter: ReturnType<Bulkhead['enter']>;
      try {
        waiter = bulkhead.enter(start);
      } catch (error) {
        clearTimeout(timer);
        refuse(0);
        reject(error);
      }
      return promise;
    },
    get running() {
      return bulkhead.running;
    },
    get queued() {
      return bulkhead.queued;
    },
  };
}

/** In its place until it settles. An async function, so that a loader that throws at once rejects like any other. */
async function work<Value>(bulkhead: Bulkhead, load: () => Promise<Value>): Promise<Value> {
  try {
    return await load();
  } finally {
    bulkhead.release();
  }
}

/** An AbortController costs more than many a load: it is made when a loader asks for the signal. */
class LazyContext<Previous> implements Context<Previous> {
  readonly previous: Previous;
  #controller: AbortController | undefined;
  #reason: { readonly error: unknown } | undefined;

  constructor(previous: Previous) {
    this.previous = previous;
  }

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
