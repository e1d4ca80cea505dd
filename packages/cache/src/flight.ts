import type { Look } from './cache.ts';

/** A value that may stand in when nobody answers. */
export interface Standby<Value> {
  readonly value: Value;
  readonly usableUntilUs: number;
}

/** One look-up of one key under way, shared by everyone who asks meanwhile. */
export class Flight<Value> {
  readonly key: string;
  readonly beganUs: number;
  /** The epoch of L1 when it began: see `L1Entry.epoch`. */
  readonly epoch: number;
  /** Settles once: with the result, or earlier with a stale value when the soft timeout has passed. */
  readonly answer: Promise<Look<Value>>;
  /** The key changed since the flight began: what it brings may be old, and must not be kept. */
  invalidated = false;
  standby: Standby<Value> | undefined;
  readonly #resolve: (look: Look<Value> | Promise<Look<Value>>) => void;
  readonly #reject: (error: unknown) => void;
  #softTimer: NodeJS.Timeout | undefined;

  constructor(key: string, beganUs: number, epoch: number) {
    this.key = key;
    this.beganUs = beganUs;
    this.epoch = epoch;
    const { promise, resolve, reject } = Promise.withResolvers<Look<Value>>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    // Every caller may have given up by the time it fails.
    promise.catch(() => undefined);
  }

  /** Offers a stand-in; the one that was made last wins. After `softTimeoutMs` `onSlow` is called, once. */
  offer(standby: Standby<Value>, softTimeoutMs: number, onSlow: () => void): void {
    if (this.standby !== undefined && this.standby.usableUntilUs >= standby.usableUntilUs) return;
    this.standby = standby;
    this.#softTimer ??= setTimeout(onSlow, softTimeoutMs);
  }

  resolve(look: Look<Value> | Promise<Look<Value>>): void {
    this.#resolve(look);
  }

  reject(error: unknown): void {
    this.#reject(error);
  }

  /** No more timers. */
  end(): void {
    clearTimeout(this.#softTimer);
  }
}
