/**
 * The states of one bucket policy (token bucket, GCRA), by key, in this process. A take is O(1).
 *
 * A state is a number or two in flat arrays. A full bucket is garbage and is dropped without loss: every new key moves a hand
 * over a few slots and frees those that are full, so there is no timer and no pause that grows with the number of keys.
 *
 * The bound (G7): when `maxKeys` buckets are in use at once, none is dropped for a newcomer; otherwise an attacker with many
 * addresses could wash out everybody's state. Newcomers then share overflow buckets, chosen by a seeded hash, and are limited
 * together. A key that later gets a slot starts from its overflow bucket's state, so no key ever gets more than its policy.
 */
import { ownText } from '@spillway/kernel';
import type { Verdict } from '../core/decision.ts';
import type { TokenBucketPolicy } from '../core/policy.ts';
import {
  drainTokens,
  isFull,
  peekTokens,
  type TokenBucketState,
  takeTokens,
  takeWholeTokens,
} from '../core/token-bucket.ts';
import type { GcraPolicy } from '../strategies/gcra/policy.ts';
import type { Policy } from '../strategies/policy.ts';
import type { Taken } from '../strategies/strategy.ts';
import { tokenBucketStrategy } from '../strategies/token-bucket/step.ts';
import type { KeyTable } from './key-table.ts';
import { OVERFLOW_BUCKETS, overflowOf } from './overflow.ts';
import { createSlotIndex, type SlotIndex } from './slot-index.ts';
import { createSlots, type Slots } from './slots.ts';

/** Slots looked at per new key: more than one, so that the hand outruns the newcomers. */
const SWEPT_PER_KEY = 2;
const SWEPT_AT_BOUND = 32;
/** Keys that are kept as they came. Most are over, and dropped, before so many others have come: copying each would be dear. */
const NEWEST = 512;

export type BucketPolicy = TokenBucketPolicy | GcraPolicy;

export class BucketTable implements KeyTable<BucketPolicy> {
  readonly #keys: (string | undefined)[] = [];
  readonly #slotOf: SlotIndex;
  readonly #free: number[] = [];
  readonly #slots: Slots = createSlots();
  readonly #maxKeys: number;
  readonly #seed: number;
  #hand = 0;
  /** Slots of the newest keys, and where the oldest of them stands. */
  readonly #newest = new Int32Array(NEWEST).fill(-1);
  #newestAt = 0;
  #overflow: Slots | undefined;
  /** No overflow bucket is in use later than this. */
  #overflowUntilUs = Number.NEGATIVE_INFINITY;
  /** Takes that an overflow bucket decided. */
  overflowed = 0;

  constructor(maxKeys: number, seed: number) {
    this.#maxKeys = maxKeys;
    this.#seed = seed;
    this.#slotOf = createSlotIndex(seed, (slot) => this.#keys[slot]);
  }

  /** Keys with a state of their own. */
  get size(): number {
    return this.#slotOf.size;
  }

  take(policy: BucketPolicy, key: string, nowUs: number, cost: number): Verdict {
    const slot = this.#slotOf.get(key);
    if (slot === undefined) return this.#takeAsNewcomer(bucketOf(policy), key, nowUs, cost);
    const bucket = bucketOf(policy);
    const fullAtUs = this.#slots.readWhole(slot);
    const admitted = Number.isNaN(fullAtUs) ? undefined : takeWholeTokens(bucket, fullAtUs, nowUs, cost);
    if (admitted !== undefined) {
      this.#slots.writeWhole(slot, nowUs + admitted.resetAfterUs);
      return admitted;
    }
    const given = this.#slots.read(slot);
    const { verdict, state } = takeTokens(bucket, given, nowUs, cost);
    if (state !== undefined && state !== given) this.#slots.write(slot, state);
    return verdict;
  }

  foresee(policy: BucketPolicy, key: string, nowUs: number, cost: number): Verdict {
    return this.peek(policy, key, nowUs, cost);
  }

  peek(policy: BucketPolicy, key: string, nowUs: number, cost: number): Verdict {
    const slot = this.#slotOf.get(key);
    const state = slot === undefined ? this.#overflowState(key, nowUs) : this.#slots.read(slot);
    return peekTokens(bucketOf(policy), state, nowUs, cost);
  }

  /** An overflow bucket is left as it is, here and below: it is not this key's alone. */
  refund(policy: BucketPolicy, key: string, nowUs: number, cost: number, taken: Taken): void {
    const slot = this.#slotOf.get(key);
    if (slot === undefined) return;
    const given = this.#slots.read(slot);
    const state = tokenBucketStrategy.refund(bucketOf(policy), given, nowUs, cost, taken);
    if (state === undefined) this.#drop(slot);
    else if (state !== given) this.#slots.write(slot, state);
  }

  handOver(policy: BucketPolicy, key: string, nowUs: number, units: number): void {
    const slot = this.#slotOf.get(key);
    const given = slot === undefined ? this.#overflowState(key, nowUs) : this.#slots.read(slot);
    const state = drainTokens(bucketOf(policy), given, nowUs, units);
    if (state === undefined || state === given) return;
    if (slot === undefined) this.#keepNew(key, nowUs, state);
    else this.#slots.write(slot, state);
  }

  windowLeftUs(): number {
    return Number.POSITIVE_INFINITY;
  }

  reset(key: string): void {
    const slot = this.#slotOf.get(key);
    if (slot !== undefined) this.#drop(slot);
  }

  #takeAsNewcomer(policy: TokenBucketPolicy, key: string, nowUs: number, cost: number): Verdict {
    const given = this.#overflowState(key, nowUs);
    const { verdict, state } = takeTokens(policy, given, nowUs, cost);
    // Refused: nothing to keep, so a key can not get a slot by knocking.
    if (state !== undefined && state !== given) this.#keepNew(key, nowUs, state);
    return verdict;
  }

  #keepNew(key: string, nowUs: number, state: TokenBucketState): void {
    const slot = this.#claim(nowUs);
    if (slot === undefined) {
      this.#writeOverflow(key, state);
    } else {
      this.#slots.write(slot, state);
      this.#keys[slot] = key;
      this.#slotOf.add(key, slot);
      this.#settle(this.#newest[this.#newestAt] as number, nowUs);
      this.#newest[this.#newestAt] = slot;
      this.#newestAt = (this.#newestAt + 1) % NEWEST;
    }
  }

  #claim(nowUs: number): number | undefined {
    this.#sweep(nowUs, SWEPT_PER_KEY);
    const freed = this.#free.pop();
    if (freed !== undefined) return freed;
    if (this.#keys.length < this.#maxKeys) return this.#keys.push(undefined) - 1;
    this.#sweep(nowUs, SWEPT_AT_BOUND);
    return this.#free.pop();
  }

  #sweep(nowUs: number, count: number): void {
    for (let step = Math.min(count, this.#keys.length); step > 0; step -= 1) {
      this.#hand = this.#hand + 1 < this.#keys.length ? this.#hand + 1 : 0;
      if (this.#keys[this.#hand] !== undefined && isFull(this.#slots.read(this.#hand), nowUs)) this.#drop(this.#hand);
    }
  }

  /** A key that stays gets text of its own, so that no header it was cut out of is kept with it. */
  #settle(slot: number, nowUs: number): void {
    const key = this.#keys[slot];
    if (key === undefined) return;
    if (isFull(this.#slots.read(slot), nowUs)) this.#drop(slot);
    else this.#keys[slot] = ownText(key);
  }

  #drop(slot: number): void {
    this.#slotOf.remove(slot);
    this.#keys[slot] = undefined;
    this.#free.push(slot);
  }

  #overflowState(key: string, nowUs: number): TokenBucketState | undefined {
    if (this.#overflow === undefined || this.#overflowUntilUs < nowUs) return undefined;
    return this.#overflow.read(overflowOf(key, this.#seed));
  }

  #writeOverflow(key: string, state: TokenBucketState): void {
    this.overflowed += 1;
    this.#overflow ??= createSlots(OVERFLOW_BUCKETS);
    this.#overflow.write(overflowOf(key, this.#seed), state);
    this.#overflowUntilUs = Math.max(this.#overflowUntilUs, state.fullAtUs);
  }
}

export const isBucket = (policy: Policy): policy is BucketPolicy =>
  policy.strategy === 'token-bucket' || policy.strategy === 'gcra';

const bucketOf = (policy: BucketPolicy): TokenBucketPolicy =>
  policy.strategy === 'token-bucket' ? policy : policy.bucket;
