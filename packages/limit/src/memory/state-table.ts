/**
 * The states of one policy of any strategy, by key, in this process: what `BucketTable` is for buckets, with states as objects. A
 * take costs what its step costs.
 *
 * The same bound (G7): `maxKeys` states in use, those that have expired are dropped by a hand that moves with each new key, and
 * beyond the bound newcomers share overflow states, from which they start when they get one of their own. Slots of a concurrency
 * policy are not shared, since one key's holders could keep another out for a whole lease: there a newcomer is turned away.
 */
import { OverloadedError, ownText } from '@spillway/kernel';
import { tellOfBound } from '../bounds.ts';
import type { Verdict } from '../core/decision.ts';
import type { Policy } from '../strategies/policy.ts';
import type { Strategy, Taken } from '../strategies/strategy.ts';
import { type AnyState, stepsOf } from '../strategies/strategy-of.ts';
import type { KeyTable } from './key-table.ts';
import { overflowOf } from './overflow.ts';
import { createSlotIndex, type SlotIndex } from './slot-index.ts';

/** Slots looked at per new key: more than one, so that the hand outruns the newcomers. */
const SWEPT_PER_KEY = 2;
const SWEPT_AT_BOUND = 32;

export class StateTable implements KeyTable {
  readonly #steps: Strategy<Policy, AnyState>;
  readonly #sharesOverflow: boolean;
  readonly #keys: (string | undefined)[] = [];
  readonly #states: (AnyState | undefined)[] = [];
  /** By the policy that wrote the state: another key's, under the same name, may have a shorter window. */
  readonly #expiresAtUs: number[] = [];
  readonly #slotOf: SlotIndex;
  readonly #free: number[] = [];
  readonly #maxKeys: number;
  readonly #seed: number;
  readonly #overflow: (AnyState | undefined)[] = [];
  #hand = 0;
  /** Takes that an overflow state decided. */
  overflowed = 0;

  constructor(policy: Policy, maxKeys: number, seed: number) {
    this.#steps = stepsOf(policy);
    this.#sharesOverflow = policy.strategy !== 'concurrency';
    this.#maxKeys = maxKeys;
    this.#seed = seed;
    this.#slotOf = createSlotIndex(seed, (slot) => this.#keys[slot]);
  }

  /** Keys with a state of their own. */
  get size(): number {
    return this.#slotOf.size;
  }

  /** @throws {OverloadedError} when a key of a concurrency policy finds no room */
  take(policy: Policy, key: string, nowUs: number, cost: number, id?: string): Verdict {
    const slot = this.#slotOf.get(key);
    const given = this.#stateAt(slot, key);
    const { verdict, state } = this.#steps.take(policy, given, nowUs, cost, id);
    // Refused: nothing to keep, so a key can not get a slot by knocking.
    if (state === undefined || state === given) return verdict;
    if (slot === undefined) this.#keepNew(policy, key, nowUs, state);
    else this.#write(policy, slot, state);
    return verdict;
  }

  foresee(policy: Policy, key: string, nowUs: number, cost: number, id?: string): Verdict {
    const slot = this.#slotOf.get(key);
    if (policy.strategy !== 'concurrency') return this.#steps.peek(policy, this.#stateAt(slot, key), nowUs, cost);
    const { verdict } = this.#steps.take(policy, this.#stateAt(slot, key), nowUs, cost, id);
    if (verdict.outcome === 'allowed' && slot === undefined && !this.#hasRoom(policy, nowUs)) throw this.#full(policy);
    return verdict;
  }

  peek(policy: Policy, key: string, nowUs: number, cost: number): Verdict {
    return this.#steps.peek(policy, this.#stateAt(this.#slotOf.get(key), key), nowUs, cost);
  }

  /** An overflow state is left as it is, here and below: it is not this key's alone. */
  refund(policy: Policy, key: string, nowUs: number, cost: number, taken: Taken): void {
    const slot = this.#slotOf.get(key);
    if (slot === undefined) return;
    const given = this.#states[slot];
    const state = this.#steps.refund(policy, given, nowUs, cost, taken);
    if (state === undefined) this.#drop(slot);
    else if (state !== given) this.#write(policy, slot, state);
  }

  handOver(policy: Policy, key: string, nowUs: number, units: number, atUs: number): void {
    const slot = this.#slotOf.get(key);
    const given = this.#stateAt(slot, key);
    const state = this.#steps.leasing?.handOver(policy, given, nowUs, units, atUs);
    if (state === undefined || state === given) return;
    if (slot === undefined) this.#keepNew(policy, key, nowUs, state);
    else this.#write(policy, slot, state);
  }

  windowLeftUs(policy: Policy, key: string, nowUs: number): number {
    const given = this.#stateAt(this.#slotOf.get(key), key);
    return this.#steps.leasing?.windowLeftUs(policy, given, nowUs) ?? Number.POSITIVE_INFINITY;
  }

  reset(key: string): void {
    const slot = this.#slotOf.get(key);
    if (slot !== undefined) this.#drop(slot);
  }

  #stateAt(slot: number | undefined, key: string): AnyState | undefined {
    if (slot !== undefined) return this.#states[slot];
    return this.#overflow.length === 0 ? undefined : this.#overflow[overflowOf(key, this.#seed)];
  }

  #write(policy: Policy, slot: number, state: AnyState): void {
    this.#states[slot] = state;
    this.#expiresAtUs[slot] = this.#steps.expiresAtUs(policy, state);
  }

  #keepNew(policy: Policy, key: string, nowUs: number, state: AnyState): void {
    const slot = this.#claim(policy, nowUs);
    if (slot !== undefined) {
      this.#write(policy, slot, state);
      this.#keys[slot] = ownText(key);
      this.#slotOf.add(key, slot);
      return;
    }
    this.overflowed += 1;
    if (!this.#sharesOverflow) throw this.#full(policy);
    this.#overflow[overflowOf(key, this.#seed)] = state;
  }

  #full({ name }: Policy): OverloadedError {
    tellOfBound('slots');
    return new OverloadedError(`The memory for keys that hold slots of policy "${name}"`, this.#maxKeys);
  }

  #hasRoom(policy: Policy, nowUs: number): boolean {
    const slot = this.#claim(policy, nowUs);
    if (slot !== undefined) this.#free.push(slot);
    return slot !== undefined;
  }

  #claim(policy: Policy, nowUs: number): number | undefined {
    this.#sweep(policy, nowUs, SWEPT_PER_KEY);
    const freed = this.#free.pop();
    if (freed !== undefined) return freed;
    if (this.#keys.length < this.#maxKeys) return this.#keys.push(undefined) - 1;
    this.#sweep(policy, nowUs, SWEPT_AT_BOUND);
    return this.#free.pop();
  }

  #sweep(policy: Policy, nowUs: number, count: number): void {
    for (let step = Math.min(count, this.#keys.length); step > 0; step -= 1) {
      this.#hand = this.#hand + 1 < this.#keys.length ? this.#hand + 1 : 0;
      const state = this.#states[this.#hand];
      if (state === undefined || nowUs < (this.#expiresAtUs[this.#hand] ?? 0)) continue;
      // The policy may have become longer since.
      if (nowUs >= this.#steps.expiresAtUs(policy, state)) this.#drop(this.#hand);
    }
  }

  #drop(slot: number): void {
    this.#slotOf.remove(slot);
    this.#keys[slot] = undefined;
    this.#states[slot] = undefined;
    this.#free.push(slot);
  }
}
