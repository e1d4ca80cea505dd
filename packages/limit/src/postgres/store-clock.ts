import { type Clock, monotonicClock, systemClock } from '@spillway/kernel';
import { LATE_US } from '../store.ts';

/** What this process knows of the time in the store, without asking. */
export interface StoreClock {
  /** A time that the store told just now. */
  heard(nowUs: number): void;
  /** About what time it is there: for the windows that go along. Before anything was heard, this machine's time. */
  nearUs(): number;
  /** When a take that is sent now comes too late: never later than `LATE_US` from now. Before anything was heard, at once. */
  notAfterUs(): number;
}

/** `clock`: a test's, which is the store's too. */
export function createStoreClock(clock?: Clock): StoreClock {
  if (clock !== undefined) {
    return { heard() {}, nearUs: () => clock.nowUs(), notAfterUs: () => clock.nowUs() + LATE_US };
  }
  let last: { readonly nowUs: number; readonly atUs: number } | undefined;
  // It was that late when the store read its clock, so it is at least so late now, and the time since is measured here.
  const leastUs = () => (last === undefined ? undefined : last.nowUs + monotonicClock.nowUs() - last.atUs);
  return {
    heard: (nowUs) => {
      last = { nowUs, atUs: monotonicClock.nowUs() };
    },
    nearUs: () => leastUs() ?? systemClock.nowUs(),
    notAfterUs: () => {
      const us = leastUs();
      return us === undefined ? 0 : us + LATE_US;
    },
  };
}
