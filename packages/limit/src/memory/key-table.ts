import type { Verdict } from '../core/decision.ts';
import type { Policy } from '../strategies/policy.ts';
import type { Taken } from '../strategies/strategy.ts';

/** The states of one policy by key. */
export interface KeyTable<P extends Policy = Policy> {
  take(policy: P, key: string, nowUs: number, cost: number, id?: string): Verdict;
  /** How a take with this id would end. What stands in the way of keeping its state is thrown here already. */
  foresee(policy: P, key: string, nowUs: number, cost: number, id?: string): Verdict;
  peek(policy: P, key: string, nowUs: number, cost: number): Verdict;
  refund(policy: P, key: string, nowUs: number, cost: number, taken: Taken): void;
  /** Charges what was used elsewhere already, as far as there is room. Of strategies that take leases. */
  handOver(policy: P, key: string, nowUs: number, units: number, atUs: number): void;
  /** How long a lease that is taken now lasts at most. Infinity where there are no windows. */
  windowLeftUs(policy: P, key: string, nowUs: number): number;
  reset(key: string): void;
  /** Keys with a state of their own. */
  readonly size: number;
  /** Takes that found no room for one. */
  readonly overflowed: number;
}
