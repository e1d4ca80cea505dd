import type { Clock } from '@spillway/kernel';
import { blocked, unchanged } from '../core/answers.ts';
import type { Verdict } from '../core/decision.ts';
import { grantOf } from '../lease/grant-of.ts';
import { type Keys, REMEMBER_US, type Refund, type Reserve, type Reserved, type Take } from '../store.ts';
import type { Policy } from '../strategies/policy.ts';
import { type AnyState, stepsOf } from '../strategies/strategy-of.ts';

/** The least that a store can be: the pure steps, and three maps that only grow. It is the judge of the others. */
export interface PureStore {
  take(keys: Keys, policies: readonly Policy[], cost: number, id?: string): Take;
  reserve(keys: Keys, policies: readonly Policy[], cost: number, reserve: Reserve): Reserved;
  peek(keys: Keys, policies: readonly Policy[], cost: number): readonly Verdict[];
  refund(keys: Keys, policies: readonly Policy[], refund: Refund): void;
  block(keys: Keys, policies: readonly Policy[], forUs: number): void;
  reset(keys: Keys, policies: readonly Policy[]): void;
  /** Whether all that is kept of a key decides like nothing: a store may have dropped it. */
  isIdle(keys: Keys, policies: readonly Policy[]): boolean;
}

export function pureStore(clock: Clock): PureStore {
  const states = new Map<string, AnyState>();
  const blockedUntil = new Map<string, number>();
  const remembered = new Map<string, { readonly atUs: number; readonly cost: number }>();
  const placeOf = (key: string, { name }: Policy) => JSON.stringify([key, name]);
  const keyAt = (keys: Keys, at: number): string => (typeof keys === 'string' ? keys : (keys[at] ?? ''));
  const idOf = (keys: Keys, policies: readonly Policy[], id: string) =>
    JSON.stringify([keys, id, ...policies.map(({ name }) => name)]);

  const blockOf = (place: string): Verdict | undefined => {
    const leftUs = (blockedUntil.get(place) ?? 0) - clock.nowUs();
    return leftUs > 0 ? blocked(leftUs) : undefined;
  };
  const write = (place: string, state: AnyState | undefined) => {
    if (state === undefined) states.delete(place);
    else states.set(place, state);
  };
  const peekAt = (keys: Keys, at: number, policy: Policy, cost: number): Verdict => {
    const place = placeOf(keyAt(keys, at), policy);
    return blockOf(place) ?? stepsOf(policy).peek(policy, states.get(place), clock.nowUs(), cost);
  };
  const knownOf = (keys: Keys, policies: readonly Policy[], id: string | undefined) => {
    const known = id === undefined ? undefined : remembered.get(idOf(keys, policies, id));
    return known !== undefined && clock.nowUs() < known.atUs + REMEMBER_US ? known : undefined;
  };

  const pure: PureStore = {
    take(keys, policies, cost, id) {
      const atUs = clock.nowUs();
      const isKnown = knownOf(keys, policies, id) !== undefined;
      const steps = policies.map((policy, at) => {
        const place = placeOf(keyAt(keys, at), policy);
        const state = states.get(place);
        const asItStands = unchanged(peekAt(keys, at, policy, 1));
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
        remembered.set(idOf(keys, policies, id), { atUs, cost });
      }
      return { verdicts: steps.map(({ verdict }) => verdict), atUs };
    },
    reserve(keys, policies, cost, reserve) {
      const nowUs = clock.nowUs();
      for (const [at, { units, atUs }] of (reserve.owed ?? []).entries()) {
        const policy = policies[at] as Policy;
        const place = placeOf(keyAt(keys, at), policy);
        const { leasing } = stepsOf(policy);
        if (blockOf(place) !== undefined || leasing === undefined) continue;
        write(place, leasing.handOver(policy, states.get(place), nowUs, units, atUs));
      }
      const take = pure.take(keys, policies, cost);
      const granted = grantOf(take.verdicts, reserve);
      if (granted === 0) return { ...take, granted, windowLeftUs: Number.POSITIVE_INFINITY };
      pure.take(keys, policies, granted);
      const lefts = policies.map((policy, at) =>
        stepsOf(policy).leasing?.windowLeftUs(policy, states.get(placeOf(keyAt(keys, at), policy)), nowUs),
      );
      return { ...take, granted, windowLeftUs: Math.min(...lefts.map((left) => left ?? Number.POSITIVE_INFINITY)) };
    },
    peek: (keys, policies, cost) => policies.map((policy, at) => peekAt(keys, at, policy, cost)),
    refund(keys, policies, { cost, takenAtUs, id }) {
      const known = knownOf(keys, policies, id);
      if (id !== undefined) remembered.delete(idOf(keys, policies, id));
      const atUs = known === undefined ? takenAtUs : Math.min(takenAtUs ?? clock.nowUs(), known.atUs);
      const taken = {
        ...(atUs === undefined ? {} : { atUs }),
        ...(id === undefined ? {} : { id }),
      };
      const back = id === undefined ? cost : Math.min(cost, known?.cost ?? 0);
      for (const [at, policy] of policies.entries()) {
        const place = placeOf(keyAt(keys, at), policy);
        if (blockOf(place) !== undefined || (back === 0 && policy.strategy !== 'concurrency')) continue;
        write(place, stepsOf(policy).refund(policy, states.get(place), clock.nowUs(), back, taken));
      }
    },
    block(keys, policies, forUs) {
      for (const [at, policy] of policies.entries()) {
        const place = placeOf(keyAt(keys, at), policy);
        states.delete(place);
        blockedUntil.set(place, Math.max(blockedUntil.get(place) ?? 0, clock.nowUs() + forUs));
      }
    },
    reset(keys, policies) {
      for (const [at, policy] of policies.entries()) {
        states.delete(placeOf(keyAt(keys, at), policy));
        blockedUntil.delete(placeOf(keyAt(keys, at), policy));
      }
    },
    isIdle: (keys, policies) =>
      policies.every((policy, at) => {
        const place = placeOf(keyAt(keys, at), policy);
        const state = states.get(place);
        const isOver = state === undefined || stepsOf(policy).expiresAtUs(policy, state) <= clock.nowUs();
        return isOver && blockOf(place) === undefined;
      }),
  };
  return pure;
}

/** The same store, to which one key stands for several. */
export function mixedPureStore(
  pure: PureStore,
  keysOf: (key: string, policies: readonly Policy[]) => readonly string[],
): PureStore {
  const of = (keys: Keys, policies: readonly Policy[]): Keys =>
    typeof keys === 'string' ? keysOf(keys, policies) : keys;
  return {
    take: (keys, policies, cost, id) => pure.take(of(keys, policies), policies, cost, id),
    reserve: (keys, policies, cost, reserve) => pure.reserve(of(keys, policies), policies, cost, reserve),
    peek: (keys, policies, cost) => pure.peek(of(keys, policies), policies, cost),
    refund: (keys, policies, refund) => pure.refund(of(keys, policies), policies, refund),
    block: (keys, policies, forUs) => pure.block(of(keys, policies), policies, forUs),
    reset: (keys, policies) => pure.reset(of(keys, policies), policies),
    isIdle: (keys, policies) => pure.isIdle(of(keys, policies), policies),
  };
}
