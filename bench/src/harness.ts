/** What a benchmark is, and how its figures are taken: in turns, as medians, as ratios to a reference of the same run. */

export interface Figure {
  /** Who was measured: the reference, Spillway, a peer, a step of a curve. */
  readonly contestant: string;
  /** Absolute values with their units, printed beside and never gated: `{ 'requests/s': 41200, 'CPU us/request': 21.3 }`. */
  readonly values: Readonly<Record<string, number>>;
}

export interface Ratio {
  /** e.g. `"requests/s to bare node:http"`. */
  readonly what: string;
  readonly value: number;
  readonly bar?: number;
  readonly beyond?: number;
  /** Which way is better. */
  readonly better: 'higher' | 'lower';
  readonly unit?: string;
}

export interface BenchResult {
  readonly figures: readonly Figure[];
  readonly ratios: readonly Ratio[];
  /** What was checked about the answers; a contestant that answers wrongly is disqualified by throwing. */
  readonly checked: string;
  /** Which process ran where, what is not measured, how cost grows. */
  readonly notes?: readonly string[];
  /** Name of the value to draw as bars; none draws nothing. */
  readonly chart?: string;
}

export interface Bench {
  readonly name: string;
  readonly question: string;
  run(options: BenchOptions): Promise<BenchResult>;
}

export interface BenchOptions {
  /** `smoke` proves that the benchmark runs and that answers are right, in seconds; its figures mean nothing. */
  readonly size: 'full' | 'smoke';
  log(line: string): void;
}

export const defineBench = (bench: Bench): Bench => bench;

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('no values to take the median of');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * Measures contestants in turns (A B A B ...), so that a machine whose speed drifts slows all of them alike. Returns each
 * one's rounds in order; take medians of them, and ratios round by round.
 */
export async function inTurns<Name extends string, Round>(
  rounds: number,
  contestants: Readonly<Record<Name, () => Promise<Round>>>,
): Promise<Record<Name, Round[]>> {
  const names = Object.keys(contestants) as Name[];
  const taken = Object.fromEntries(names.map((name) => [name, [] as Round[]])) as Record<Name, Round[]>;
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) taken[name].push(await contestants[name]());
  }
  return taken;
}

/** The median of the ratios a/b taken pair by pair: each pair ran side by side. */
export function medianRatio(a: readonly number[], b: readonly number[]): number {
  return median(a.map((value, round) => value / (b[round] ?? Number.NaN)));
}

export const passes = ({ value, bar, better }: Ratio): boolean =>
  bar === undefined || (better === 'higher' ? value >= bar : value <= bar);
