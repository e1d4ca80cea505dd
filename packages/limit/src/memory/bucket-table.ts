/**
 * The states of one token bucket policy, by key, in this process. A take is O(1).
 *
 * A state is a number or two in flat arrays. A full bucket is garbage and is dropped without loss: every new key moves a hand
 * over a few slots and frees those that are full, so there is no timer and no pause that grows with the number of keys.
 *
 * The bound (G7): when `maxKeys` buckets are in use at once, none is dropped for a newcomer; otherwise an attacker with many
 * addresses could wash out everybody's state. Newcomers then share overflow buckets, chosen by a seeded hash, and are limited
 * together. A key that later gets a slot starts from its overflow bucket's state, so no key ever gets more than its policy.
 */
import type { Verdict } from '../core/decision.ts';
import type { TokenBucketPolicy } from '../core/policy.ts';
import { isFull, peekTokens, type TokenBucketState, takeTokens } from '../core/token-bucket.ts';
import { createSlotIndex, type SlotIndex } from './slot-index.ts';
import { createSlots, type Slots } from './slots.ts';

/** Buckets that newcomers share once the table is full. */
export const OVERFLOW_BUCKETS = 1024;
/** Slots looked at per new key: more than one, so that the hand outruns the newcomers. */
const SWEPT_PER_KEY = 2;
const SWEPT_AT_BOUND = 32;

export class BucketTable {
  readonly #keys: (string | undefined)[] = [];
  readonly #slotOf: SlotIndex;
  readonly #free: number[] = [];
  readonly #slots: Slots = createSlots();
  readonly #maxKeys: number;
  readonly #seed: number;
  #hand = 0;
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

  take(policy: TokenBucketPolicy, key: string, nowUs: number, cost: number): Verdict {
    const slot = this.#slotOf.get(key);
    if (slot === undefined) return this.#takeAsNewcomer(policy, key, nowUs, cost);
    const given = this.#slots.read(slot);
    const { verdict, state } = takeTokens(policy, given, nowUs, cost);
    if (state !== undefined && state !== given) this.#slots.write(slot, state);
    return verdict;
  }

  peek(policy: TokenBucketPolicy, key: string, nowUs: number, cost: number): Verdict {
    const slot = this.#slotOf.get(key);
    const state = slot === undefined ? this.#overflowState(key, nowUs) : this.#slots.read(slot);
    return peekTokens(policy, state, nowUs, cost);
  }

  /** An overflow bucket is left as it is: it is not this key's alone. */
  reset(key: string): void {
    const slot = this.#slotOf.get(key);
    if (slot !== undefined) this.#drop(slot);
  }

  #takeAsNewcomer(policy: TokenBucketPolicy, key: string, nowUs: number, cost: number): Verdict {
    const given = this.#overflowState(key, nowUs);
    const { verdict, state } = takeTokens(policy, given, nowUs, cost);
    // Refused: nothing to keep, so a key can not get a slot by knocking.
    if (state === undefined || state === given) return verdict;
    const slot = this.#claim(nowUs);
    if (slot === undefined) {
      this.#writeOverflow(key, state);
    } else {
      this.#slots.write(slot, state);
      this.#keys[slot] = key;
      this.#slotOf.add(key, slot);
    }
    return verdict;
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

  #drop(slot: number): void {
    this.#slotOf.remove(slot);
    this.#keys[slot] = undefined;
    this.#free.push(slot);
  }

  #overflowState(key: string, nowUs: number): TokenBucketState | undefined {
    if (this.#overflow === undefined || this.#overflowUntilUs < nowUs) return undefined;
    return this.#overflow.read(seededHash(key, this.#seed) % OVERFLOW_BUCKETS);
  }

  #writeOverflow(key: string, state: TokenBucketState): void {
    this.overflowed += 1;
    this.#overflow ??= createSlots(OVERFLOW_BUCKETS);
    this.#overflow.write(seededHash(key, this.#seed) % OVERFLOW_BUCKETS, state);
    this.#overflowUntilUs = Math.max(this.#overflowUntilUs, state.fullAtUs);
  }
}

// FNV-1a. The seed keeps an outsider from choosing whom to share a bucket with.
function seededHash(key: string, seed: number): number {
  let hash = seed;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
