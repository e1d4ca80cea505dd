import type { Random } from '@spillway/kernel';
import type { Reserve } from '../store.ts';
import type { Policy } from '../strategies/policy.ts';
import { stepsOf } from '../strategies/strategy-of.ts';

/** A reserve of such policies, for random walks: with a lease only where all of them take leases. */
export function randomReserve(policies: readonly Policy[], nowUs: number, spanUs: number, random: Random): Reserve {
  const upTo = (most: number): number => Math.floor(random() * (most + 1));
  const leasable = policies.every((policy) => stepsOf(policy).leasing !== undefined);
  const most = Math.min(...policies.map(({ capacity }) => capacity));
  const owed = policies.map(({ capacity }) => ({
    units: random() < 0.4 ? 0 : upTo(random() < 0.5 ? 3 : capacity + 1),
    // Mostly of now or lately; a few are of windows that have ended.
    atUs: Math.max(0, nowUs - (random() < 0.4 ? 0 : Math.floor(random() * random() * spanUs))),
  }));
  return {
    want: leasable && random() < 0.8 ? upTo(random() < 0.5 ? 3 : most + 1) : 0,
    parts: 1 + upTo(random() < 0.5 ? 1 : 7),
    ...(random() < 0.4 ? { owed } : {}),
  };
}
