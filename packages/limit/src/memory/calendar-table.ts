import type { Clock } from '@spillway/kernel';
import type { Verdict } from '../core/decision.ts';
import type { FixedWindowPolicy } from '../strategies/fixed-window/policy.ts';
import type { Policy } from '../strategies/policy.ts';
import type { QuotaPolicy } from '../strategies/quota/policy.ts';
import type { Taken } from '../strategies/strategy.ts';
import { stepsOf } from '../strategies/strategy-of.ts';
import { CalendarClock } from './calendar-clock.ts';
import type { KeyTable } from './key-table.ts';

type WindowPolicy = FixedWindowPolicy | QuotaPolicy;

/** Another table, asked by the wall clock where the policy's windows begin at given times of day. */
export class CalendarTable implements KeyTable<WindowPolicy> {
  readonly #table: KeyTable;
  readonly #calendar: CalendarClock;

  constructor(table: KeyTable, wall: Clock) {
    this.#table = table;
    this.#calendar = new CalendarClock(wall);
  }

  get size(): number {
    return this.#table.size;
  }

  get overflowed(): number {
    return this.#table.overflowed;
  }

  take(policy: WindowPolicy, key: string, nowUs: number, cost: number): Verdict {
    return this.#table.take(policy, key, this.#timeFor(policy, nowUs), cost);
  }

  foresee(policy: WindowPolicy, key: string, nowUs: number, cost: number): Verdict {
    return this.peek(policy, key, nowUs, cost);
  }

  peek(policy: WindowPolicy, key: string, nowUs: number, cost: number): Verdict {
    return this.#table.peek(policy, key, this.#timeFor(policy, nowUs), cost);
  }

  refund(policy: WindowPolicy, key: string, nowUs: number, cost: number, taken: Taken): void {
    const windowNowUs = this.#timeFor(policy, nowUs);
    const { atUs } = taken;
    const then = atUs === undefined || !isByCalendar(policy) ? taken : { atUs: this.#calendar.atLeastAt(atUs) };
    this.#table.refund(policy, key, windowNowUs, cost, then);
  }

  handOver(policy: WindowPolicy, key: string, nowUs: number, units: number, atUs: number): void {
    const windowNowUs = this.#timeFor(policy, nowUs);
    const thenUs = isByCalendar(policy) ? this.#calendar.atLeastAt(atUs) : atUs;
    this.#table.handOver(policy, key, windowNowUs, units, thenUs);
  }

  windowLeftUs(policy: WindowPolicy, key: string, nowUs: number): number {
    return this.#table.windowLeftUs(policy, key, this.#timeFor(policy, nowUs));
  }

  reset(key: string): void {
    this.#table.reset(key);
  }

  #timeFor(policy: WindowPolicy, steadyUs: number): number {
    return isByCalendar(policy) ? this.#calendar.nowUs(steadyUs, stepsOf(policy).spanUs(policy) ?? 0) : steadyUs;
  }
}

export const hasWindows = (policy: Policy): policy is WindowPolicy =>
  policy.strategy === 'quota' || policy.strategy === 'fixed-window';

const isByCalendar = (policy: WindowPolicy): boolean => policy.strategy === 'quota' || policy.align === 'clock';
