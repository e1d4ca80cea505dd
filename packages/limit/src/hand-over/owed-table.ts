/**
 * What this instance's shares gave and no store knows of, by key: "Share and hand-over" in docs/4.protocols/limits.md. The next take
 * of the key that reaches the store carries it along.
 *
 * The bound (G7): `maxKeys` keys; those beyond it owe nothing. Who has refilled, or whose windows have ended, owes nothing either, and is
 * dropped by a hand that looks at two for each newcomer.
 */
import type { Verdict } from '../core/decision.ts';
import type { TokenBucketRate } from '../core/token-bucket-rate.ts';
import type { Owed } from '../store.ts';
import type { Policy } from '../strategies/policy.ts';
import { stepsOf } from '../strategies/strategy-of.ts';
import type { StoreTime } from './store-time.ts';

/** Of one policy. */
interface Debt {
  readonly units: number;
  /** By the store's clock: when the first of them was given, or earlier. */
  readonly atUs: number;
  /** By this process's clock: from then on nothing is owed. */
  readonly untilUs: number;
  /** By which a bucket's share refills. Windows do not. */
  readonly rate: TokenBucketRate | undefined;
}

export type Debts = readonly Debt[];

const NONE: Debt = { units: 0, atUs: 0, untilUs: Number.NEGATIVE_INFINITY, rate: undefined };

export class OwedTable {
  readonly #maxKeys: number;
  readonly #storeTime: StoreTime;
  readonly #debts = new Map<string, Debts>();
  #hand: Iterator<[string, Debts]> | undefined;

  constructor(maxKeys: number, storeTime: StoreTime) {
    this.#maxKeys = maxKeys;
    this.#storeTime = storeTime;
  }

  get size(): number {
    return this.#debts.size;
  }

  /** The share has given `cost` units of `shares`, its parts of the policies, and that take was certainly not sent. */
  add(key: string, shares: readonly Policy[], cost: number, verdicts: readonly Verdict[], nowUs: number): void {
    const given = shares.map((share, at) => this.#debtOf(share, cost, verdicts[at] as Verdict, nowUs));
    this.restore(key, given, nowUs);
  }

  /** What is owed now, which is nothing afterwards: it is about to be sent. */
  take(key: string, nowUs: number): Debts | undefined {
    if (this.#debts.size === 0) return undefined;
    const debts = this.#debts.get(key);
    if (debts === undefined) return undefined;
    this.#debts.delete(key);
    return debts.some((debt) => owedUnits(debt, nowUs) > 0) ? debts : undefined;
  }

  /** It was not sent after all, or there is more. */
  restore(key: string, debts: Debts, nowUs: number): void {
    const before = this.#debts.get(key);
    if (before === undefined) {
      this.#sweep(nowUs);
      if (this.#debts.size >= this.#maxKeys) return;
    }
    this.#debts.set(key, before === undefined ? debts : debts.map((debt, at) => sum(before[at] ?? NONE, debt, nowUs)));
  }

  /** So many were not used in the end. */
  giveBack(key: string, cost: number): void {
    const debts = this.#debts.get(key);
    if (debts === undefined) return;
    this.#debts.set(
      key,
      debts.map((debt) => ({ ...debt, units: Math.max(0, debt.units - cost) })),
    );
  }

  forget(key: string): void {
    this.#debts.delete(key);
  }

  #debtOf(share: Policy, cost: number, verdict: Verdict, nowUs: number): Debt {
    if (share.strategy === 'token-bucket' || share.strategy === 'gcra') {
      const { rate } = share.strategy === 'gcra' ? share.bucket : share;
      return { units: cost, atUs: 0, untilUs: nowUs + verdict.resetAfterUs, rate };
    }
    const atUs = this.#storeTime.at(nowUs);
    const { leasing } = stepsOf(share);
    // Which window it is can not be told, or there is none.
    if (atUs === undefined || leasing === undefined) return NONE;
    const forUs = leasing.countsForUs?.(share, atUs) ?? leasing.windowLeftUs(share, undefined, atUs);
    return { units: cost, atUs, untilUs: nowUs + forUs, rate: undefined };
  }

  #sweep(nowUs: number): void {
    for (let looked = 0; looked < 2; looked += 1) {
      this.#hand ??= this.#debts.entries();
      const { value, done } = this.#hand.next();
      if (done === true) {
        this.#hand = undefined;
        return;
      }
      if (value[1].every(({ untilUs }) => untilUs <= nowUs)) this.#debts.delete(value[0]);
    }
  }
}

/** As the store is told of it. */
export const toOwed = (debts: Debts, nowUs: number): readonly Owed[] =>
  debts.map((debt) => ({ units: owedUnits(debt, nowUs), atUs: debt.atUs }));

/** No more than the share has not refilled, in whole units. */
function owedUnits({ units, untilUs, rate }: Debt, nowUs: number): number {
  if (nowUs >= untilUs) return 0;
  if (rate === undefined) return units;
  return Math.min(units, Math.ceil(((untilUs - nowUs) * rate.tokens) / rate.everyUs));
}

/** Two of one policy, the older first. Of windows that have ended nothing is left. */
function sum(one: Debt, other: Debt, nowUs: number): Debt {
  if (one.untilUs <= nowUs) return other;
  if (other.untilUs <= nowUs) return one;
  const units = one.units + other.units;
  if (one.rate !== undefined) return { ...other, units, untilUs: Math.max(one.untilUs, other.untilUs) };
  // If there is an edge between them after all, neither counts, or of sub-windows both as the first does: too few, never too many.
  const first = one.atUs <= other.atUs ? one : other;
  return { ...first, units };
}
