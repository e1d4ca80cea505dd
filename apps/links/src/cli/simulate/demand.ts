/**
 * The smallest limit a minute, as a token bucket with a burst as large, that would never have refused a client.
 *
 * A bucket of L tokens that refills L a minute lets all requests of a client pass if and only if every run of them, n within d
 * minutes, has n <= L * (1 + d). So L is the largest n / (1 + d) of all runs, rounded up. With a point (time, requests before) at
 * each request that is the steepest line from one of them to (time + 1 minute, requests) of a later one, and the steepest line
 * starts on the lower convex hull of the points. Of the hull only the edges steeper than the L found so far can matter again:
 * the rest is dropped, which leaves a handful of points per client, whatever the length of the log.
 *
 * A clock that goes back is taken as a token bucket takes it: d may be negative, and with a run of minus a minute no limit is
 * large enough.
 */
export interface Demand {
  /** Infinity when no limit would do. */
  perMinute: number;
  requests: number;
  readonly hull: { readonly atMs: number; readonly before: number }[];
}

const MINUTE_MS = 60_000;

/** `perMinute` is what was found of earlier requests that are past. */
export const firstRequest = (atMs: number, perMinute = 1): Demand => ({
  perMinute,
  requests: 1,
  hull: [{ atMs, before: 0 }],
});

/**
 * Whether no later request can make a run with those so far that asks for more than each part by itself: a minute has passed
 * since the last of them. (Of two runs with a gap g >= 1 between them, n1 / (1 + d1) and n2 / (1 + d2), the run of both is
 * (n1 + n2) / (1 + d1 + g + d2), which is not above the larger of them.)
 */
export const isPast = ({ hull }: Demand, beforeMs: number): boolean => (hull.at(-1)?.atMs ?? 0) + MINUTE_MS <= beforeMs;

export function addRequest(demand: Demand, atMs: number): void {
  const { hull } = demand;
  const before = demand.requests;
  demand.requests += 1;
  // A point not later than one with fewer requests before it never starts the steepest line.
  const last = hull.at(-1);
  if (last === undefined || last.atMs < atMs) {
    while (hull.length >= 2 && isAbove(hull, atMs, before)) hull.pop();
    hull.push({ atMs, before });
  }
  for (const point of hull) {
    const spanMs = atMs + MINUTE_MS - point.atMs;
    const needed = spanMs <= 0 ? Infinity : Math.ceil(((demand.requests - point.before) * MINUTE_MS) / spanMs);
    if (needed > demand.perMinute) demand.perMinute = needed;
  }
  dropFlatEdges(demand);
}

/** Whether the hull's last point lies on or above the line from the one before it to the new one. */
function isAbove(hull: Demand['hull'], atMs: number, before: number): boolean {
  const [a, b] = hull.slice(-2);
  if (a === undefined || b === undefined) return false;
  return (b.before - a.before) * (atMs - a.atMs) >= (before - a.before) * (b.atMs - a.atMs);
}

function dropFlatEdges({ hull, perMinute }: Demand): void {
  let flat = 0;
  for (let at = 1; at < hull.length; at += 1) {
    const [a, b] = [hull[at - 1], hull[at]];
    if (a === undefined || b === undefined) break;
    if ((b.before - a.before) * MINUTE_MS > perMinute * (b.atMs - a.atMs)) break;
    flat = at;
  }
  if (flat > 0) hull.splice(0, flat);
}

/**
 * The smallest limit that would have limited at most `percent` of the clients with these demands, and how many it would have
 * limited.
 */
export function smallestLimit(
  demands: readonly number[],
  percent: number,
): { readonly perMinute: number; readonly clientsLimited: number } {
  const sorted = demands.toSorted((a, b) => b - a);
  const allowed = Math.floor((sorted.length * percent) / 100);
  const perMinute = sorted[allowed] ?? 1;
  return { perMinute, clientsLimited: sorted.findIndex((demand) => demand <= perMinute) };
}
