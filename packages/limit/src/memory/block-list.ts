import { OverloadedError } from '@spillway/kernel';
import { tellOfBound } from '../bounds.ts';

/** Looked at per new block: more than one, so that those that are over go faster than new ones come. */
const SWEPT_PER_BLOCK = 2;
const SWEPT_AT_BOUND = 64;

/** Which keys are refused until when: at most `most` of them (G7). */
export class BlockList {
  readonly #most: number;
  readonly #untilUs = new Map<string, number>();
  #hand = this.#untilUs.entries();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#untilUs.size;
  }

  /** 0 for a key that is not blocked. */
  leftUs(key: string, nowUs: number): number {
    const untilUs = this.#untilUs.get(key);
    if (untilUs === undefined) return 0;
    if (untilUs > nowUs) return untilUs - nowUs;
    this.#untilUs.delete(key);
    return 0;
  }

  /** @throws {OverloadedError} when there is no room: a block that were dropped would be a promise broken in silence */
  add(key: string, nowUs: number, forUs: number): void {
    this.#sweep(nowUs, SWEPT_PER_BLOCK);
    const before = this.#untilUs.get(key);
    if (before === undefined && this.#untilUs.size >= this.#most) {
      this.#sweep(nowUs, SWEPT_AT_BOUND);
      if (this.#untilUs.size >= this.#most) {
        tellOfBound('blocks');
        throw new OverloadedError('The list of blocked keys', this.#most);
      }
    }
    this.#untilUs.set(key, Math.max(before ?? 0, nowUs + forUs));
  }

  delete(key: string): void {
    this.#untilUs.delete(key);
  }

  #sweep(nowUs: number, count: number): void {
    for (let step = 0; step < count; step += 1) {
      const { done, value } = this.#hand.next();
      if (done) this.#hand = this.#untilUs.entries();
      else if (value[1] <= nowUs) this.#untilUs.delete(value[0]);
    }
  }
}
