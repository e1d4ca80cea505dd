/** What a histogram says, in milliseconds. All zero when nothing was recorded. */
export interface LatencySummary {
  readonly count: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

export interface LatencyHistogram {
  record(us: number): void;
  summary(): LatencySummary;
  reset(): void;
}

const PER_OCTAVE = 256;
const OCTAVES = 26;

/**
 * Counts latencies in buckets whose width grows with the value, so that any percentile up to 67 s is right within 0.4 %, in a
 * fixed 28 kB. After G. Tene's HdrHistogram: linear inside each power of two.
 */
export function createLatencyHistogram(): LatencyHistogram {
  const buckets = new Uint32Array(PER_OCTAVE * OCTAVES);
  let count = 0;
  let sum = 0;
  let max = 0;
  const percentile = (share: number) => {
    let left = Math.ceil(count * share);
    for (let i = 0; i < buckets.length; i++) {
      left -= buckets[i] ?? 0;
      if (left <= 0) return Math.min(upperEdge(i), max) / 1_000;
    }
    return max / 1_000;
  };
  return {
    record(us) {
      const whole = Math.max(0, Math.round(us));
      const bucket = Math.min(bucketOf(whole), buckets.length - 1);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      count++;
      sum += whole;
      if (whole > max) max = whole;
    },
    summary: () =>
      count === 0
        ? { count: 0, meanMs: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, p999Ms: 0, maxMs: 0 }
        : {
            count,
            meanMs: sum / count / 1_000,
            p50Ms: percentile(0.5),
            p90Ms: percentile(0.9),
            p99Ms: percentile(0.99),
            p999Ms: percentile(0.999),
            maxMs: max / 1_000,
          },
    reset() {
      buckets.fill(0);
      count = 0;
      sum = 0;
      max = 0;
    },
  };
}

/** Octave 0 holds 0 to 511 one by one; each next one doubles the width of its 256 buckets. */
function bucketOf(us: number): number {
  if (us < 2 * PER_OCTAVE) return us;
  const shift = 31 - Math.clz32(us) - 8;
  return (shift + 1) * PER_OCTAVE + ((us >>> shift) - PER_OCTAVE);
}

function upperEdge(bucket: number): number {
  if (bucket < 2 * PER_OCTAVE) return bucket;
  const shift = Math.floor(bucket / PER_OCTAVE) - 1;
  return ((bucket % PER_OCTAVE) + PER_OCTAVE + 1) * 2 ** shift - 1;
}
