/**
 * When a rate has suddenly risen. What is compared are counts over windows of one width: `x` in the last one, `x1 ... xk` in those
 * before it.
 *
 *   baseline b  = median(x1 ... xk)
 *   spread   s  = max(1.4826 * median(|xi - b|), sqrt(W * max(b, W)))
 *   score       = (x - b) / s
 *
 * A change is sudden when score >= 3.5, x >= 2 b and x >= 20. The score is the modified z-score of Iglewicz and Hoaglin ("How to
 * Detect and Handle Outliers", 1993), whose cut-off is 3.5: median and median deviation hardly move while fewer than half of the
 * windows before are bursts themselves. The deviation of a subject that was silent in most of them is 0, so the spread is never
 * less than that of a Poisson process of the same rate, sqrt(b); W, the mean number of requests that a record of this subject
 * stands for, is what sampling adds to it. The other two conditions keep out what is certain but does not matter.
 */
export const RULE = { score: 3.5, ratio: 2, requests: 20 } as const;

/** Makes the median deviation of a normal distribution its standard deviation. */
const TO_DEVIATION = 1.4826;

export interface Rise {
  readonly baseline: number;
  readonly spread: number;
  readonly score: number;
}

/** Undefined when `last` is no sudden rise over `before`, which must not be empty. `meanWeight`: requests per record, at least 1. */
export function suddenRise(last: number, before: readonly number[], meanWeight: number): Rise | undefined {
  const baseline = median(before);
  const deviation = TO_DEVIATION * median(before.map((count) => Math.abs(count - baseline)));
  const spread = Math.max(deviation, Math.sqrt(meanWeight * Math.max(baseline, meanWeight)));
  const score = (last - baseline) / spread;
  const sudden = score >= RULE.score && last >= RULE.ratio * baseline && last >= RULE.requests;
  return sudden ? { baseline, spread, score } : undefined;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
