import type { TokenBucketState } from '../core/token-bucket.ts';
import type { Policy } from '../strategies/policy.ts';
import type { WindowCount } from '../strategies/window-count.ts';
import { BUCKET, kindOf } from './encode-policies.ts';

const WORDS = [
  /** Taken from all. */
  'charged',
  /** At least one refuses: nothing was taken. */
  'refused',
  /** The id was charged before: nothing was taken. */
  'known',
  /** It ran too long after it was sent: nothing was taken. */
  'late',
  /** The clock there lies in none of the windows that were sent along: nothing was done. */
  'outside',
  'read',
  'refunded',
  'blocked',
  'reset',
] as const;

/** What was kept of one policy before. */
export interface StoredLimit {
  readonly state: TokenBucketState | WindowCount | undefined;
  /** 0: never. */
  readonly blockedUntilUs: number;
}

export interface StoreReply {
  readonly word: (typeof WORDS)[number];
  readonly nowUs: number;
  /** In the order of the policies; empty where the word says all. */
  readonly stored: readonly StoredLimit[];
}

/** What functions.sql.ts returned: `word now`, and `kind at n blocked` for each policy. @throws {Error} when it is anything else */
export function parseReply(raw: unknown, policies: readonly Policy[]): StoreReply {
  const parts = typeof raw === 'string' ? raw.split(' ') : [];
  const word = WORDS.find((each) => each === parts[0]);
  const numbers = parts.slice(1).map(Number);
  const [nowUs] = numbers;
  const isWhole = numbers.length === 1 || numbers.length === 1 + 4 * policies.length;
  if (word === undefined || nowUs === undefined || !isWhole || !numbers.every(Number.isSafeInteger)) {
    const got = JSON.stringify(raw)?.slice(0, 100);
    throw new Error(`The limit store replied what it never does: ${got}; are limitMigrations those of this version?`);
  }
  const stored = policies.flatMap((policy, index) => {
    const [kind, at, n, blockedUntilUs] = numbers.slice(1 + 4 * index, 5 + 4 * index);
    if (kind === undefined || at === undefined || n === undefined || blockedUntilUs === undefined) return [];
    return [{ state: kind === kindOf(policy) ? toState(kind, at, n) : undefined, blockedUntilUs }];
  });
  return { word, nowUs, stored };
}

const toState = (kind: number, at: number, n: number): TokenBucketState | WindowCount =>
  kind === BUCKET ? { fullAtUs: at, fraction: n } : { startUs: at, taken: n };
