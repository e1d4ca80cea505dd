import type { GetOptions, Loader, Look } from '../cache.ts';
import type { Meter } from '../meter.ts';
import type { Outdated } from '../tiers/bus-message.ts';

/** A value that may stand in when nobody answers. */
export interface Standby<Value> {
  readonly value: Value;
  readonly usableUntilUs: number;
}

/** What a flight was begun for. */
export interface Errand<Value> {
  readonly key: string;
  readonly loader: Loader<Value>;
  readonly given: GetOptions | undefined;
  /** How often it began again, since the key was invalidated meanwhile. */
  readonly attempt: number;
}

/** One look-up of one key under way, shared by everyone who asks meanwhile. */
export class Flight<Value> {
  readonly errand: Errand<Value>;
  readonly beganUs: number;
  /** The epoch of L1 when it began: see `L1Entry.epoch`. */
  readonly epoch: number;
  /** Settles once: with the result, or earlier with a stale value when the soft timeout has passed. */
  readonly answer: Promise<Look<Value>>;
  /** The key changed since the flight began: what it brings may be old, and must not be kept. */
  overtaken: Outdated | undefined;
  /** To be called when it is. */
  onOvertaken: (() => void) | undefined;
  standby: Standby<Value> | undefined;
  readonly #meter: Meter;
  readonly #resolve: (look: Look<Value>) => void;
  readonly #reject: (error: unknown) => void;
  #outcome: Look<Value> | 'failed' | undefined;
  #callers = 0;
  #softTimer: NodeJS.Timeout | undefined;

  constructor(errand: Errand<Value>, beganUs: number, epoch: number, meter: Meter) {
    this.errand = errand;
    this.beganUs = beganUs;
    this.epoch = epoch;
    this.#meter = meter;
    const { promise, resolve, reject } = Promise.withResolvers<Look<Value>>();
    this.answer = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    // Every caller may have given up by the time it fails.
    promise.catch(ignore);
  }

  /** The answer, for one more caller. They are metered here, not by a promise of their own for each. */
  wait(): Promise<Look<Value>> {
    if (this.#outcome === undefined) this.#callers += 1;
    else this.#count(this.#outcome, 1);
    return this.answer;
  }

  /** Offers a stand-in; the one that was made last wins. After `softTimeoutMs` `onSlow` is called, once. */
  offer(standby: Standby<Value>, softTimeoutMs: number, onSlow: () => void): void {
    if (this.standby !== undefined && this.standby.usableUntilUs >= standby.usableUntilUs) return;
    this.standby = standby;
    this.#softTimer ??= setTimeout(onSlow, softTimeoutMs);
  }

  resolve(look: Look<Value>): void {
    if (this.#settle(look)) this.#resolve(look);
  }

  reject(error: unknown): void {
    if (this.#settle('failed')) this.#reject(error);
  }

  /** No more timers. */
  end(): void {
    clearTimeout(this.#softTimer);
  }

  #settle(outcome: Look<Value> | 'failed'): boolean {
    if (this.#outcome !== undefined) return false;
    this.#outcome = outcome;
    this.#count(outcome, this.#callers);
    return true;
  }

  #count(outcome: Look<Value> | 'failed', callers: number): void {
    if (outcome === 'failed') this.#meter.answers.failed += callers;
    else for (let caller = 0; caller < callers; caller += 1) this.#meter.answer(outcome.from, outcome.negative);
  }
}

const ignore = (): void => undefined;
