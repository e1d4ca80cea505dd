import type { Violation } from './violation.ts';

/** What one producer says of itself, or the sum over several. */
export interface Counts {
  readonly accepted: number;
  readonly counted: number;
  readonly pending: number;
  /** By reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** G6: accepted = counted + pending + dropped, per producer. */
export function checkCounts(producers: Readonly<Record<string, Counts>>): Violation[] {
  return Object.entries(producers).flatMap(([name, counts]) => {
    const { accepted, counted, pending } = counts;
    const dropped = Object.values(counts.dropped).reduce((sum, number) => sum + number, 0);
    const numbers = [accepted, counted, pending, ...Object.values(counts.dropped)];
    if (numbers.some((number) => !Number.isSafeInteger(number) || number < 0)) {
      return [violation(`${name} reports what is no count`, [counts])];
    }
    const missing = accepted - counted - pending - dropped;
    if (missing === 0) return [];
    const sum = `accepted ${accepted} = counted ${counted} + pending ${pending} + dropped ${dropped}`;
    const verdict = missing > 0 ? `${missing} vanished` : `${-missing} too many`;
    return [violation(`${name}: not ${sum}; ${verdict}`, [counts])];
  });
}

/**
 * G6, event by event: all that was counted had been accepted, and nothing was counted twice. `accepted` and `counted` name the
 * events, each name once in `accepted`. What is missing is told apart by `checkLoss`.
 */
export function checkCountedOnce(accepted: Iterable<string>, counted: Iterable<string>): Violation[] {
  const known = new Set(accepted);
  const times = new Map<string, number>();
  for (const name of counted) times.set(name, (times.get(name) ?? 0) + 1);
  const twice = [...times].filter(([, number]) => number > 1);
  const unknown = [...times.keys()].filter((name) => !known.has(name));
  return [
    ...(twice.length === 0 ? [] : [violation(`${twice.length} events were counted more than once`, twice.slice(0, 5))]),
    ...(unknown.length === 0
      ? []
      : [violation(`${unknown.length} counted events were never accepted`, unknown.slice(0, 5))]),
  ];
}

export interface Loss {
  /** Redirects that the client saw, of all processes. */
  readonly seen: number;
  /** Clicks in the statistics when all has come to rest. */
  readonly counted: number;
  /** Clicks that the processes say they dropped. */
  readonly dropped?: number;
  /**
   * Requests that got no answer: they may have been counted, so that up to as many more may be counted than were seen.
   */
  readonly unanswered?: number;
  /** Each `kill -9`, with the redirects that the client saw of that process in its last 100 ms: see `redirectsSeen`. */
  readonly kills: readonly { readonly by: string; readonly seenInWindow: number }[];
}

/** G6: a `kill -9` loses at most what came in during that process's last 100 ms, and nothing is counted twice. */
export function checkLoss(loss: Loss): Violation[] {
  const { seen, counted, dropped = 0, unanswered = 0, kills } = loss;
  const allowed = kills.reduce((sum, kill) => sum + kill.seenInWindow, 0);
  const lost = seen - counted - dropped;
  if (lost > allowed) {
    return [violation(`${lost} clicks were lost; ${kills.length} kills excuse ${allowed}`, [loss])];
  }
  if (counted > seen + unanswered) {
    return [violation(`${counted} clicks were counted, and only ${seen} seen (+ ${unanswered} unanswered)`, [loss])];
  }
  return [];
}

/** G6: the statistics per key (link, hour, ...) are those of the plain count. */
export function checkEqualCounts(
  truth: ReadonlyMap<string, number>,
  counted: ReadonlyMap<string, number>,
): Violation[] {
  const differing = [...new Set([...truth.keys(), ...counted.keys()])]
    .map((key) => ({ key, truth: truth.get(key) ?? 0, counted: counted.get(key) ?? 0 }))
    .filter((row) => row.truth !== row.counted);
  if (differing.length === 0) return [];
  return [violation(`${differing.length} counts differ from the plain count`, differing.slice(0, 5))];
}

const violation = (message: string, evidence: readonly unknown[]): Violation => ({
  guarantee: 'G6',
  message,
  evidence,
});
