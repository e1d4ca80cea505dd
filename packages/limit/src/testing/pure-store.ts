import type { Clock } from '@spillway/kernel';
import { blocked, unchanged } from '../core/answers.ts';
import type { Verdict } from '../core/decision.ts';
import { grantOf } from '../lease/grant-of.ts';
import { REMEMBER_US, type Refund, type Reserve, type Reserved, type Take } from '../store.ts';
import type { Policy } from '../strategies/policy.ts';
import { type AnyState, stepsOf } from '../strategies/strategy-of.ts';

/** The least that a store can be: the pure steps, and three maps that only grow. It is the judge of the others. */
export interface PureStore {
  take(key: string, policies: readonly Policy[], cost: number, id?: string): Take;
  reserve(key: string, policies: readonly Policy[], cost: number, reserve: Reserve): Reserved;
  peek(key: string, policies: readonly Policy[], cost: number): readonly Verdict[];
  refund(key: string, policies: readonly Policy[], refund: Refund): void;
  block(key: string, policies: readonly Policy[], forUs: number): void;
  reset(key: string, policies: readonly Policy[]): void;
  /** Whether all that is kept of a key decides like nothing: a store may have dropped it. */
  isIdle(key: string, policies: readonly Policy[]): boolean;
}

export function pureStore(clock: Clock): PureStore {
  const states = new Map<string, AnyState>();
  const blockedUntil = new Map<string, number>();
  const remembered = new Map<string, { readonly atUs: number; readonly cost: number }>();
  const placeOf = (key: string, { name }: Policy) => JSON.stringify([key, name]);
  const idOf = (key: string, policies: readonly Policy[], id: string) =>
    JSON.stringify([key, id, ...policies.map(({ name }) => name)]);

  const blockOf = (place: string): Verdict | undefined => {
    const leftUs = (blockedUntil.get(place) ?? 0) - clock.nowUs();
    return leftUs > 0 ? blocked(leftUs) : undefined;
  };
  const write = (place: string, state: AnyState | undefined) => {
    if (state === undefined) states.delete(place);
    else states.set(place, state);
  };
  const peekOne = (key: string, policy: Policy, cost: number): Verdict => {
    const place = placeOf(key, policy);
    return blockOf(place) ?? stepsOf(policy).peek(policy, states.get(place), clock.nowUs(), cost);
  };
  const knownOf = (key: string, policies: readonly Policy[], id: string | undefined) => {
    const known = id === undefined ? undefined : remembered.get(idOf(key, policies, id));
    return known !== undefined && clock.nowUs() < known.atUs + REMEMBER_US ? known : undefined;
  };

  const pure: PureStore = {
    take(key, policies, cost, id) {
      const atUs = clock.nowUs();
      const isKnown = knownOf(key, policies, id) !== undefined;
      const steps = policies.map((policy) => {
        const place = placeOf(key, policy);
        const state = states.get(place);
        const asItStands = unchanged(peekOne(key, policy, 1));
        const refused = blockOf(place);
        if (refused !== undefined) return { place, asItStands, verdict: refused, state };
        if (isKnown && policy.strategy !== 'concurrency') return { place, asItStands, verdict: asItStands, state };
        return { place, asItStands, ...stepsOf(policy).take(policy, state, atUs, cost, id) };
      });
      if (steps.some(({ verdict }) => verdict.outcome === 'denied')) {
        const verdicts = steps.map(({ verdict, asItStands }) => (verdict.outcome === 'denied' ? verdict : asItStands));
        return { verdicts, atUs };
      }
      for (const { place, state } of steps) write(place, state);
      if (id !== undefined && !isKnown) {
        remembered.set(idOf(key, policies, id), { atUs, cost });
      }
      return { verdicts: steps.map(({ verdict }) => verdict), atUs };
    },
    reserve(key, policies, cost, reserve) {
      const nowUs = clock.nowUs();
      for (const [at, { units, atUs }] of (reserve.owed ?? []).entries()) {
        const policy = policies[at] as Policy;
        const place = placeOf(key, policy);
        const { leasing } = stepsOf(policy);
        if (blockOf(place) !== undefined || leasing === undefined) continue;
        write(place, leasing.handOver(policy, states.get(place), nowUs, units, atUs));
      }
      const take = pure.take(key, policies, cost);
      const granted = grantOf(take.verdicts, reserve);
      if (granted === 0) return { ...take, granted, windowLeftUs: Number.POSITIVE_INFINITY };
      pure.take(key, policies, granted);
      const lefts = policies.map((policy) =>
        stepsOf(policy).leasing?.windowLeftUs(policy, states.get(placeOf(key, policy)), nowUs),
      );
      return { ...take, granted, windowLeftUs: Math.min(...lefts.map((left) => left ?? Number.POSITIVE_INFINITY)) };
    },
    peek: (key, policies, cost) => policies.map((policy) => peekOne(key, policy, cost)),
    refund(key, policies, { cost, takenAtUs, id }) {
      const known = knownOf(key, policies, id);
      if (id !== undefined) remembered.delete(idOf(key, policies, id));
      const atUs = known === undefined ? takenAtUs : Math.min(takenAtUs ?? clock.nowUs(), known.atUs);
      const taken = {
        ...(atUs === undefined ? {} : { atUs }),
        ...(id === undefined ? {} : { id }),
      };
      const back = id === undefined ? cost : Math.min(cost, known?.cost ?? 0);
      for (const policy of policies) {
        const place = placeOf(key, policy);
        if (blockOf(place) !== undefined || (back === 0 && policy.strategy !== 'concurrency')) continue;
        write(place, stepsOf(policy).refund(policy, states.get(place), clock.nowUs(), back, taken));
      }
    },
    block(key, policies, forUs) {
      for (const policy of policies) {
        const place = placeOf(key, policy);
        states.delete(place);
        blockedUntil.set(place, Math.max(blockedUntil.get(place) ?? 0, clock.nowUs() + forUs));
      }
    },
    reset(key, policies) {
      for (const policy of policies) {
        states.delete(placeOf(key, policy));
        blockedUntil.delete(placeOf(key, policy));
      }
    },
    isIdle: (key, policies) =>
      policies.every((policy) => {
        const place = placeOf(key, policy);
        const state = states.get(place);
        const isOver = state === undefined || stepsOf(policy).expiresAtUs(policy, state) <= clock.nowUs();
        return isOver && blockOf(place) === undefined;
      }),
  };
  return pure;
}
