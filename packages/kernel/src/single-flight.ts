import { FleetingMap } from './fleeting-map.ts';

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
  const flights = new FleetingMap<Promise<Value>>();
  return {
    run(key, work) {
      const flying = flights.get(key);
      if (flying !== undefined) return flying;
      // Later, so that the flight is known when `work` begins: it may ask for its own key, or throw at once.
      const flight = Promise.resolve()
        .then(work)
        .finally(() => flights.delete(key));
      flights.add(key, flight);
      return flight;
    },
    get size() {
      return flights.size;
    },
  };
}
