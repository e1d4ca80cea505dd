/** The header that carries a click's time when an old log is replayed; believed from trusted proxies if the service allows it. */
export const REPLAY_TIME_HEADER = 'x-spillway-time';

const EARLIEST_MS = Date.UTC(1995, 0);
const MAX_AHEAD_MS = 86_400_000;
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/**
 * The time in a `X-Spillway-Time` header, in milliseconds; undefined when it is no RFC 3339 time between 1995 and tomorrow:
 * each day that has clicks takes a partition, so a wild time must not get through.
 */
export function readReplayTime(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined || !RFC_3339.test(header)) return undefined;
  const atMs = Date.parse(header);
  return atMs >= EARLIEST_MS && atMs <= nowMs + MAX_AHEAD_MS ? atMs : undefined;
}
