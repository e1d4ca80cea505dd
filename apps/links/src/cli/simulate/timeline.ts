/** How many requests there were over time, and how many of them each policy refused, in a bounded number of spans of equal length. */
export interface Timeline {
  add(atMs: number): TimelineSpan;
  /** In the order of time; spans without a request are left out. */
  spans(): readonly (TimelineSpan & { readonly atMs: number })[];
  spanMs(): number;
}

export interface TimelineSpan {
  requests: number;
  /** By policy. */
  readonly limited: number[];
}

const SECOND = 1000;
const DAY = 86_400 * SECOND;
// Each divides the next one, so that spans can be joined.
const LENGTHS = [1, 5, 15, 60, 300, 900, 3600, 10_800, 21_600, 43_200].map((seconds) => seconds * SECOND);

const nextLength = (length: number): number => LENGTHS.find((each) => each > length) ?? Math.max(DAY, length * 2);

/** The spans are as short as `most` of them allow for all that was added, whatever its order. */
export function createTimeline(policies: number, most: number): Timeline {
  let spanMs = SECOND;
  let spans = new Map<number, TimelineSpan>();
  let firstMs = Infinity;
  let lastMs = -Infinity;
  const spanAt = (index: number): TimelineSpan => {
    let span = spans.get(index);
    if (span === undefined) {
      span = { requests: 0, limited: new Array<number>(policies).fill(0) };
      spans.set(index, span);
    }
    return span;
  };
  const join = () => {
    const before = spans;
    const beforeMs = spanMs;
    spanMs = nextLength(spanMs);
    spans = new Map();
    for (const [index, { requests, limited }] of before) {
      const span = spanAt(Math.floor((index * beforeMs) / spanMs));
      span.requests += requests;
      for (const [at, count] of limited.entries()) span.limited[at] = (span.limited[at] ?? 0) + count;
    }
  };
  return {
    add(atMs) {
      firstMs = Math.min(firstMs, atMs);
      lastMs = Math.max(lastMs, atMs);
      while (Math.floor(lastMs / spanMs) - Math.floor(firstMs / spanMs) >= most) join();
      const span = spanAt(Math.floor(atMs / spanMs));
      span.requests += 1;
      return span;
    },
    spans: () => [...spans].sort(([a], [b]) => a - b).map(([index, span]) => ({ atMs: index * spanMs, ...span })),
    spanMs: () => spanMs,
  };
}
