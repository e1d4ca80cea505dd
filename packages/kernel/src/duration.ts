import { ConfigurationError } from './errors.ts';

const MS_PER = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

type Unit = keyof typeof MS_PER;

/** A time span with its unit: `"500ms"`, `"30s"`, `"5m"`, `"2h"`, `"1.5d"`. */
export type Duration = `${number}${Unit}`;

/** The longest delay that Node's timers take; a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

const GRAMMAR = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/**
 * Milliseconds of a `Duration`, rounded to an integer. Re-checks the grammar, since the type is wider than it.
 * @throws {ConfigurationError} when `value` is not a duration, or is too long to count in whole milliseconds
 */
export function toMs(value: Duration): number {
  const match = GRAMMAR.exec(value);
  if (match === null) throw new ConfigurationError(`"${value}" is not a duration; write e.g. "500ms" or "2h"`);
  const ms = Math.round(Number(match[1]) * MS_PER[match[2] as Unit]);
  if (!Number.isSafeInteger(ms)) throw new ConfigurationError(`"${value}" is too long; write at most "100000000d"`);
  return ms;
}
