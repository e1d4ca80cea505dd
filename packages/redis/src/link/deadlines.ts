/**
 * Deadlines without a timer per command. Commands of one event-loop turn leave in one batch, and nearly all share one
 * deadline, so batches end in the order in which they were sent: a queue of batches and one timer for its head are enough.
 * Under load the timer fires about once per deadline; a settled batch leaves the queue with its last answer, so what is
 * retained is what is unanswered.
 *
 * The clock of a batch starts when it is written, not when its first command was asked for: a busy turn of this process is
 * not the store's fault. For the same reason the sweep runs after the poll for input that follows the timer: answers that
 * came in while this process was busy are read before their commands are called late.
 */
export interface Expiring {
  /** False once it has been answered. */
  readonly settled: boolean;
  expire(deadlineMs: number): void;
}

export class Batch<Item extends Expiring> {
  readonly items: Item[] = [];
  sentAtMs = 0;
  dueMs = Number.POSITIVE_INFINITY;
  unsettled = 0;
}

export class DeadlineQueue<Item extends Expiring> {
  readonly #deadlineMs: number;
  readonly #onMiss: () => void;
  readonly #queue: Batch<Item>[] = [];
  #filling: Batch<Item> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(deadlineMs: number, onMiss: () => void) {
    this.#deadlineMs = deadlineMs;
    this.#onMiss = onMiss;
  }

  get idle(): boolean {
    return this.#filling === undefined && this.#queue.length === 0;
  }

  /** The batch that is being gathered. */
  add(item: Item): Batch<Item> {
    this.#filling ??= new Batch();
    const batch = this.#filling;
    batch.items.push(item);
    batch.unsettled += 1;
    return batch;
  }

  /** The batch has been written: its time runs from now. */
  sent(nowMs: number): void {
    const batch = this.#filling;
    if (batch === undefined) return;
    this.#filling = undefined;
    if (batch.unsettled === 0) return;
    batch.sentAtMs = nowMs;
    batch.dueMs = nowMs + this.#deadlineMs;
    this.#queue.push(batch);
    if (this.#timer === undefined) this.#arm(this.#deadlineMs);
  }

  /** One item of `batch` has been answered. */
  settle(batch: Batch<Item>): void {
    batch.unsettled -= 1;
    while (this.#queue[0]?.unsettled === 0) this.#queue.shift();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(delayMs: number): void {
    this.#timer = setTimeout(() => setImmediate(() => this.#sweep()), Math.max(1, Math.ceil(delayMs)));
  }

  #sweep(): void {
    if (this.#timer === undefined) return;
    this.#timer = undefined;
    const nowMs = performance.now();
    let missed = false;
    for (let head = this.#queue[0]; head !== undefined && head.dueMs <= nowMs; head = this.#queue[0]) {
      this.#queue.shift();
      for (const item of head.items) {
        if (item.settled) continue;
        missed = true;
        item.expire(this.#deadlineMs);
      }
    }
    const next = this.#queue[0];
    if (next !== undefined && this.#timer === undefined) this.#arm(next.dueMs - nowMs);
    if (missed) this.#onMiss();
  }
}
