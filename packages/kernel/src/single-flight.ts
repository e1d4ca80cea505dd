/**
 * At most one run of `work` per key at a time; everyone who asks meanwhile gets the same promise.
 * A failing run fails all its waiters, once; the next call starts afresh.
 */
export interface SingleFlight<Value> {
  run(key: string, work: () => Promise<Value>): Promise<Value>;
  /** Keys in flight. */
  readonly size: number;
}

/** The number of keys in flight is bounded by the number of callers: an entry leaves when its run settles. */
export function createSingleFlight<Value>(): SingleFlight<Value> {
  const flights = new Map<string, Promise<Value>>();
  return {
    run(key, work) {
      const flying = flights.get(key);
      if (flying !== undefined) return flying;
      const flight = start(work).finally(() => flights.delete(key));
      flights.set(key, flight);
      return flight;
    },
    get size() {
      return flights.size;
    },
  };
}

// An async function, so that a `work` that throws before its first await rejects like any other.
async function start<Value>(work: () => Promise<Value>): Promise<Value> {
  return await work();
}
