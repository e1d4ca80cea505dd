import { DeadlineQueue, type Expiring } from './deadlines.ts';

/** Distinct deadlines that are remembered; beyond it, idle ones are forgotten. */
const MAX_QUEUES = 32;

/** One queue for each deadline that callers ask for: nearly always a single one. */
export class DeadlineQueues<Item extends Expiring> {
  readonly #queues = new Map<number, DeadlineQueue<Item>>();
  readonly #onMiss: () => void;
  #last: DeadlineQueue<Item> | undefined;
  #lastMs = -1;

  constructor(onMiss: () => void) {
    this.#onMiss = onMiss;
  }

  of(deadlineMs: number): DeadlineQueue<Item> {
    if (deadlineMs === this.#lastMs && this.#last !== undefined) return this.#last;
    let queue = this.#queues.get(deadlineMs);
    if (queue === undefined) {
      if (this.#queues.size >= MAX_QUEUES) {
        for (const [ms, old] of this.#queues) if (old.idle) this.#queues.delete(ms);
      }
      queue = new DeadlineQueue(deadlineMs, this.#onMiss);
      this.#queues.set(deadlineMs, queue);
    }
    this.#last = queue;
    this.#lastMs = deadlineMs;
    return queue;
  }

  /** What was gathered has been written. */
  sent(nowMs: number): void {
    for (const queue of this.#queues.values()) queue.sent(nowMs);
  }

  stop(): void {
    for (const queue of this.#queues.values()) queue.stop();
  }
}
