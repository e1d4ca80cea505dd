import { tellOfBound } from '../bounds.ts';
import { REMEMBER_US } from '../store.ts';

interface KnownTake {
  readonly untilUs: number;
  readonly cost: number;
}

/**
 * The ids of takes that were charged, for ten minutes, at most `most` of them (G7): two generations, of which the older is
 * dropped whole, so that nothing has to be looked through. When there are more, the oldest are forgotten early: a repeat of
 * theirs is charged once more, and nobody is admitted who should not be.
 */
export class KnownIds {
  readonly #most: number;
  #young = new Map<string, KnownTake>();
  #old = new Map<string, KnownTake>();
  #youngSinceUs = 0;
  /** Forgotten for want of room, most of them before their time. */
  forgotten = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** What the take with this id was charged; undefined when it is not known. */
  costOf(id: string, nowUs: number): number | undefined {
    const known = this.#young.get(id) ?? this.#old.get(id);
    return known !== undefined && nowUs < known.untilUs ? known.cost : undefined;
  }

  add(id: string, cost: number, nowUs: number): void {
    const isOver = nowUs - this.#youngSinceUs >= REMEMBER_US;
    if (isOver || this.#young.size >= Math.ceil(this.#most / 2)) {
      if (!isOver && this.#old.size > 0) {
        this.forgotten += this.#old.size;
        tellOfBound('ids');
      }
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngSinceUs = nowUs;
    }
    this.#old.delete(id);
    this.#young.set(id, { untilUs: nowUs + REMEMBER_US, cost });
  }

  /** When it was charged; undefined when it is not known. */
  chargedAtUs(id: string): number | undefined {
    const known = this.#young.get(id) ?? this.#old.get(id);
    return known === undefined ? undefined : known.untilUs - REMEMBER_US;
  }

  delete(id: string): void {
    this.#young.delete(id);
    this.#old.delete(id);
  }
}
