/**
 * Concurrency: slots, each held by an id under a lease. O(holders), at most `limit` of them.
 *
 * Only its own id gives a slot back or renews it, so a holder that was given up for dead can not release its successor's slot.
 * A take that is repeated with the id of a running lease is charged once and renews it. `retryAfterUs` counts on leases alone:
 * slots that are released come back earlier.
 */
import { ConfigurationError } from '@spillway/kernel';
import type { Verdict } from '../../core/decision.ts';
import { judgeHoldings } from '../holdings.ts';
import type { Step, Strategy } from '../strategy.ts';
import type { ConcurrencyPolicy } from './policy.ts';

export interface Holder {
  readonly id: string;
  /** Its lease runs while `t < untilUs`. */
  readonly untilUs: number;
  readonly units: number;
}

export interface ConcurrencyState {
  /** The lease that ends first comes first. Not empty; each id once. */
  readonly holders: readonly Holder[];
}

export interface Renewal {
  /** `lost`: the lease has run out, and the slots may be another's by now. */
  readonly outcome: 'renewed' | 'lost';
  /** The state that was given, the same object, when the lease is lost. */
  readonly state: ConcurrencyState | undefined;
}

export const concurrencyStrategy: Strategy<ConcurrencyPolicy, ConcurrencyState> = {
  take: (policy, state, nowUs, cost, id) => acquireSlots(policy, state, nowUs, cost, holderOf(id)),
  peek(policy, state, nowUs, cost) {
    const holders = liveAt(state, nowUs);
    return judge(policy, holders, nowUs, cost, fits(policy, holders, cost) ? 'allowed' : 'denied');
  },
  /** A release: the slots of one id are given back together, whatever the cost. */
  refund: (_, state, nowUs, __, { id } = {}) => releaseSlots(state, nowUs, holderOf(id)),
  expiresAtUs: (_, { holders }) => holders.at(-1)?.untilUs ?? 0,
  spanUs: () => undefined,
};

/** `cost` slots for `id`, until its lease ends. An id that already holds some keeps as many as it has. */
export function acquireSlots(
  policy: ConcurrencyPolicy,
  state: ConcurrencyState | undefined,
  nowUs: number,
  cost: number,
  id: string,
): Step<ConcurrencyState> {
  const holders = liveAt(state, nowUs);
  const held = holders.find((holder) => holder.id === id);
  if (held === undefined && !fits(policy, holders, cost)) {
    return { verdict: judge(policy, holders, nowUs, cost, 'denied'), state };
  }
  const after = leased(policy, holders, nowUs, held ?? { id, untilUs: 0, units: cost });
  return { verdict: judge(policy, after, nowUs, cost, 'allowed'), state: { holders: after } };
}

/** A whole new lease from now on, if the one before still runs. */
export function renewSlots(
  policy: ConcurrencyPolicy,
  state: ConcurrencyState | undefined,
  nowUs: number,
  id: string,
): Renewal {
  const holders = liveAt(state, nowUs);
  const held = holders.find((holder) => holder.id === id);
  if (held === undefined) return { outcome: 'lost', state };
  return { outcome: 'renewed', state: { holders: leased(policy, holders, nowUs, held) } };
}

/** The same state when `id` holds nothing (any more). */
export function releaseSlots(
  state: ConcurrencyState | undefined,
  nowUs: number,
  id: string,
): ConcurrencyState | undefined {
  const holders = liveAt(state, nowUs);
  const kept = holders.filter((holder) => holder.id !== id);
  if (kept.length === holders.length) return state;
  return kept.length === 0 ? undefined : { holders: kept };
}

/** Never shorter than the lease was: the clock may have gone back. */
function leased({ leaseUs }: ConcurrencyPolicy, holders: readonly Holder[], nowUs: number, held: Holder): Holder[] {
  const renewed = { ...held, untilUs: Math.max(held.untilUs, nowUs + leaseUs) };
  const others = holders.filter(({ id }) => id !== held.id);
  const later = others.findIndex(({ untilUs }) => untilUs > renewed.untilUs);
  return others.toSpliced(later === -1 ? others.length : later, 0, renewed);
}

const liveAt = (state: ConcurrencyState | undefined, nowUs: number): readonly Holder[] =>
  state?.holders.filter(({ untilUs }) => nowUs < untilUs) ?? [];

const fits = ({ limit }: ConcurrencyPolicy, holders: readonly Holder[], cost: number): boolean =>
  cost <= limit - holders.reduce((total, { units }) => total + units, 0);

const judge = (
  { limit }: ConcurrencyPolicy,
  holders: readonly Holder[],
  nowUs: number,
  cost: number,
  outcome: 'allowed' | 'denied',
): Verdict =>
  judgeHoldings(
    limit,
    { length: holders.length, untilUs: (at) => holders[at]?.untilUs ?? 0, units: (at) => holders[at]?.units ?? 0 },
    nowUs,
    cost,
    outcome,
  );

/** @throws {ConfigurationError} without one */
export function holderOf(id: string | undefined): string {
  if (id !== undefined && id !== '') return id;
  throw new ConfigurationError('A concurrency policy holds its slots by an id; pass one: take(key, { id })');
}
