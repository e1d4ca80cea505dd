/** A client that was refused at least once. */
export interface LimitedClient {
  readonly subject: string;
  readonly limited: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** The longest it would have had to wait after a refusal. */
  readonly longestWaitMs: number;
}

/** The clients that were refused most, in bounded memory: those with the fewest refusals are forgotten when there are too many. */
export interface LimitedClients {
  add(subject: string, atMs: number, waitMs: number): void;
  worst(count: number): readonly LimitedClient[];
  /** False after some had to be forgotten: the counts of others may then begin late. */
  isExact(): boolean;
}

type Tally = { -readonly [Field in keyof LimitedClient]: LimitedClient[Field] };

export function createLimitedClients(most: number): LimitedClients {
  let tallies = new Map<string, Tally>();
  let isExact = true;
  return {
    add(subject, atMs, waitMs) {
      const tally = tallies.get(subject);
      if (tally === undefined) {
        tallies.set(subject, { subject, limited: 1, firstMs: atMs, lastMs: atMs, longestWaitMs: waitMs });
        if (tallies.size <= most) return;
        isExact = false;
        tallies = new Map(ranked(tallies.values(), Math.ceil(most / 2)).map((each) => [each.subject, each]));
        return;
      }
      tally.limited += 1;
      tally.firstMs = Math.min(tally.firstMs, atMs);
      tally.lastMs = Math.max(tally.lastMs, atMs);
      tally.longestWaitMs = Math.max(tally.longestWaitMs, waitMs);
    },
    worst: (count) => ranked(tallies.values(), count),
    isExact: () => isExact,
  };
}

function ranked(tallies: Iterable<Tally>, count: number): Tally[] {
  const order = (a: Tally, b: Tally) =>
    b.limited - a.limited || a.firstMs - b.firstMs || (a.subject < b.subject ? -1 : 1);
  return [...tallies].sort(order).slice(0, count);
}
