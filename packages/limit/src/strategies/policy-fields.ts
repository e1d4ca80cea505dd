import { ConfigurationError, type Duration, type Issue, toMs } from '@spillway/kernel';
import { checkName, isRecord, refused, show } from '../core/parse-token-bucket.ts';

/** Of windows, periods and leases. Added to today's time in microseconds it is far below 2^53. */
const LONGEST_DAYS = 10_000;
export const LONGEST_US = LONGEST_DAYS * 86_400e6;
/** Of a limit that is one number to a store. */
export const LARGEST_COUNT = 1e12;

/** Reads one policy's fields. What is wrong is collected, and a harmless value stands in for it until all is read. */
export interface PolicyFields {
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly issues: Issue[];
  /** An integer from `least` to `most`. */
  count(field: string, least: number, most: number, fallback?: number): number;
  /** From 1 ms to 27 years. */
  duration(field: string): { readonly text: Duration; readonly us: number };
  /** One of several words. */
  choice<Word extends string>(field: string, words: readonly Word[], fallback?: Word): Word;
}

/**
 * A policy from unknown data. `options` are the fields to write; those that the policy derives from them may only be there as
 * derived, so that a policy can be parsed again and nothing is overlooked.
 * @throws {ConfigurationError} with every field at fault
 */
export function parseFields<Policy extends object>(
  input: unknown,
  strategy: string,
  options: readonly string[],
  read: (fields: PolicyFields) => Policy,
): Policy {
  if (!isRecord(input)) throw refused([{ path: '', message: `must be an object, got ${show(input)}` }]);
  const issues: Issue[] = [];
  if (input.strategy !== strategy) {
    issues.push({ path: 'strategy', message: `must be ${show(strategy)}, got ${show(input.strategy)}` });
  }
  checkName(input.name, issues);
  const policy = read(readerOf(input, issues));
  for (const field of Object.keys(input)) {
    if (field === 'strategy' || field === 'name' || options.includes(field)) continue;
    if (field in policy && isSame(input[field], policy[field as keyof Policy])) continue;
    issues.push({ path: field, message: `is not a field of a "${strategy}" policy; remove it` });
  }
  if (issues.length > 0) throw refused(issues, input.name);
  return Object.freeze(policy);
}

const readerOf = (input: Record<string, unknown>, issues: Issue[]): PolicyFields => ({
  name: String(input.name),
  input,
  issues,
  count(field, least, most, fallback) {
    const value = input[field] === undefined ? fallback : input[field];
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    issues.push({ path: field, message: `must be an integer from ${least} to ${most}, got ${show(value)}` });
    return least;
  },
  duration(field) {
    const value = input[field];
    const us = durationUs(value);
    if (us >= 1000 && us <= LONGEST_US) return { text: value as Duration, us };
    const message = `must be a duration from "1ms" to "${LONGEST_DAYS}d" (27 years), e.g. "1m", got ${show(value)}`;
    issues.push({ path: field, message });
    return { text: '1s', us: 1_000_000 };
  },
  choice(field, words, fallback) {
    const value = input[field] === undefined ? fallback : input[field];
    const word = words.find((each) => each === value);
    if (word !== undefined) return word;
    const wanted = words.map((each) => `"${each}"`).join(', ');
    issues.push({ path: field, message: `must be one of ${wanted}, got ${show(value)}` });
    return words[0] as (typeof words)[number];
  },
});

function isSame(a: unknown, b: unknown): boolean {
  try {
    return JSON.stringify(a) === JSON.stringify(b);
  } catch {
    return false;
  }
}

/** NaN when it is none. */
function durationUs(value: unknown): number {
  try {
    return typeof value === 'string' ? toMs(value as Duration) * 1000 : Number.NaN;
  } catch (error) {
    if (error instanceof ConfigurationError) return Number.NaN;
    throw error;
  }
}
