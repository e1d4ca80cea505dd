/** How a redirect ends. */
export const OUTCOMES = ['redirected', 'not-found', 'gone', 'limited', 'form', 'unavailable'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Where it was decided: a cache tier, the truth itself, or before any look-up. */
export const DECIDED_IN = ['l1', 'l2', 'loader', 'stale', 'truth', 'none'] as const;
export type DecidedIn = (typeof DECIDED_IN)[number];

/** Upper bounds in milliseconds. */
const BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000] as const;

/** Redirects by outcome and tier, and how long they took: plain numbers on the hot path, read at each scrape. */
export interface RedirectCounts {
  count(outcome: Outcome, from: DecidedIn, startedMs: number): void;
  /** `count` of one kind, its place found beforehand. */
  counter(outcome: Outcome, from: DecidedIn): (startedMs: number) => void;
  /** `[outcome, from, number]`, only where there were any. */
  totals(): readonly (readonly [Outcome, DecidedIn, number])[];
  latency(): { readonly bounds: readonly number[]; readonly counts: readonly number[]; readonly sumMs: number };
}

export function createRedirectCounts(): RedirectCounts {
  const totals = new Float64Array(OUTCOMES.length * DECIDED_IN.length);
  const counts = new Float64Array(BOUNDS.length + 1);
  let sumMs = 0;
  const placeOf = (outcome: Outcome, from: DecidedIn): number =>
    OUTCOMES.indexOf(outcome) * DECIDED_IN.length + DECIDED_IN.indexOf(from);
  const countAt = (place: number, startedMs: number): void => {
    totals[place] = (totals[place] ?? 0) + 1;
    const tookMs = performance.now() - startedMs;
    sumMs += tookMs;
    let bucket = 0;
    while (bucket < BOUNDS.length && tookMs > (BOUNDS[bucket] ?? 0)) bucket += 1;
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  };
  return {
    count: (outcome, from, startedMs) => countAt(placeOf(outcome, from), startedMs),
    counter(outcome, from) {
      const place = placeOf(outcome, from);
      return (startedMs) => countAt(place, startedMs);
    },
    totals: () =>
      OUTCOMES.flatMap((outcome, o) =>
        DECIDED_IN.flatMap((from, f) => {
          const total = totals[o * DECIDED_IN.length + f] ?? 0;
          return total > 0 ? [[outcome, from, total] as const] : [];
        }),
      ),
    latency: () => ({ bounds: BOUNDS, counts: [...counts], sumMs }),
  };
}
