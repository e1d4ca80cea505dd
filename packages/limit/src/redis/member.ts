import { blocked } from '../core/answers.ts';
import type { Verdict } from '../core/decision.ts';
import type { Reserve, Reserved } from '../store.ts';
import type { PolicySet } from './policy-set.ts';
import type { AnyRedisStrategy, Numbers } from './strategies/redis-strategy.ts';

/** What a reserve was granted. */
export type Lent = Pick<Reserved, 'granted' | 'windowLeftUs'>;

export const NOTHING_LENT: Lent = { granted: 0, windowLeftUs: Number.POSITIVE_INFINITY };

/** See the header of limit.lua.ts. */
export type What = 't' | 'o' | 'p' | 'v' | 'r' | 'u' | 'b' | 'x';

/** One call of one caller, on its way. */
export interface Member {
  readonly what: What;
  readonly set: PolicySet;
  readonly keys: readonly string[];
  /** The cost, or for how long to block. */
  readonly number: number;
  /** When what is refunded was taken. */
  readonly takenAtUs: number | undefined;
  readonly id: string | undefined;
  /** Of "v". */
  readonly reserve: Reserve | undefined;
  /** How often its script came back without having done anything, and it was sent again. */
  again: number;
  /** With arguments for these moments. */
  moments: readonly number[] | undefined;
  resolve(verdicts: readonly Verdict[], atUs: number, lease: Lent): void;
  reject(error: unknown): void;
}

export function readVerdicts({ set, number: cost }: Member, all: 'allowed' | 'denied', numbers: Numbers): Verdict[] {
  const verdicts: Verdict[] = [];
  for (const [at, policy] of set.policies.entries()) {
    // One that allows among others that do not is told apart.
    const flag = all === 'allowed' ? 1 : numbers.take();
    if (flag === 2) verdicts.push(blocked(numbers.take()));
    else {
      const strategy = set.strategies[at] as AnyRedisStrategy;
      verdicts.push(strategy.verdict(policy, flag === 1 ? 'allowed' : 'denied', cost, numbers));
    }
  }
  return verdicts;
}

export function readLent({ what }: Member, numbers: Numbers): Lent {
  if (what !== 'v') return NOTHING_LENT;
  const granted = numbers.take();
  const leftUs = numbers.take();
  return { granted, windowLeftUs: leftUs < 0 ? Number.POSITIVE_INFINITY : leftUs };
}
