/** Upper bounds in milliseconds. */
const BOUNDS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** One of the few methods that the program has, or `other`: clients can not make up any number of them. */
export const boundedMethod = (method: string): string => (METHODS.has(method) ? method : 'other');

/** What was asked under one route with one method. */
interface RouteCounts {
  readonly method: string;
  /** As it was registered, e.g. `/api/v1/links/:code`; `none` where no route is. */
  readonly route: string;
  /** By the status's first digit, from `1xx` at 0. */
  readonly byClass: Float64Array;
  /** Answers that took as long as each of `BOUNDS`, each counted once; the last is what took longer than all. */
  readonly buckets: Float64Array;
  sumMs: number;
}

/**
 * Requests that are no redirects, by route, method and class of status. Bounded: routes are those of the program, methods that
 * it does not have count as `other`.
 */
export interface RequestCounts {
  /** `route`: undefined where there is none. */
  count(method: string, route: string | undefined, status: number, tookMs: number): void;
  readonly boundsMs: readonly number[];
  routes(): Iterable<Readonly<RouteCounts>>;
}

export function createRequestCounts(): RequestCounts {
  const known = new Map<string, RouteCounts>();
  const at = (method: string, route: string): RouteCounts => {
    const key = `${method} ${route}`;
    let counts = known.get(key);
    if (counts === undefined) {
      const buckets = new Float64Array(BOUNDS.length + 1);
      counts = { method, route, byClass: new Float64Array(5), buckets, sumMs: 0 };
      known.set(key, counts);
    }
    return counts;
  };
  return {
    count(method, route, status, tookMs) {
      const counts = at(boundedMethod(method), route ?? 'none');
      const digit = Math.min(Math.max(Math.floor(status / 100), 1), 5) - 1;
      counts.byClass[digit] = (counts.byClass[digit] ?? 0) + 1;
      let bucket = 0;
      while (bucket < BOUNDS.length && tookMs > (BOUNDS[bucket] ?? 0)) bucket += 1;
      counts.buckets[bucket] = (counts.buckets[bucket] ?? 0) + 1;
      counts.sumMs += tookMs;
    },
    boundsMs: BOUNDS,
    routes: () => known.values(),
  };
}
