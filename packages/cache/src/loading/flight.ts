import type { Clock } from '@spillway/kernel';
import type { GetOptions, Loader, Look } from '../cache.ts';
import type { Tagged } from '../core/tag-index.ts';
import type { Meter } from '../meter.ts';
import type { Outdated } from '../tiers/bus-message.ts';
import type { Batch } from './batch.ts';

/** A value that may stand in when nobody answers. */
export interface Standby<Value> {
  readonly value: Value;
  readonly usableUntilUs: number;
  /** What it was loaded under. */
  readonly under?: Tagged | undefined;
  /** Messages may have been missed since. */
  readonly missed?: boolean;
}

/** What a flight was begun for. */
export interface Errand<Value> {
  readonly key: string;
  /** A batch loads several keys at once. */
  readonly loader: Loader<Value> | Batch<Value>;
  readonly given: GetOptions | undefined;
  /** How often it began again, since the key was invalidated meanwhile. */
  readonly attempt: number;
  /** `refresh`: its callers have their answer already. */
  readonly purpose: 'answer' | 'refresh';
  /** The tags of `given`, held since before anything was read. The flight's to release. */
  readonly under?: Tagged | undefined;
}

/** One look-up of one key under way, shared by everyone who asks meanwhile. */
export class Flight<Value> {
  readonly errand: Errand<Value>;
  readonly beganUs: number;
  /** The epoch of L1 when it began: see `L1Entry.epoch`. */
  readonly epoch: number;
  /** To be called when it is overtaken by its key. */
  onOvertaken: (() => void) | undefined;
  standby: Standby<Value> | undefined;
  /** Somebody waits, or did. */
  awaited = false;
  #overtaken: Outdated | undefined;
  // What it is under, and what may stand in for it: both have to hear of invalidations until it ends.
  #under: Tagged[] | undefined;
  #alsoHeld: Tagged[] | undefined;
  readonly #meter: Meter;
  #answer: PromiseWithResolvers<Look<Value>>;
  #atOnce: { readonly answer: Promise<Look<Value>>; readonly look: Look<Value>; readonly untilUs: number } | undefined;
  #outcome: Look<Value> | 'failed' | undefined;
  #callers = 0;
  #ended = false;
  #stoodIn: Tagged | undefined;
  #softTimer: NodeJS.Timeout | undefined;

  constructor(errand: Errand<Value>, beganUs: number, epoch: number, meter: Meter) {
    this.errand = errand;
    this.beganUs = beganUs;
    this.epoch = epoch;
    this.#meter = meter;
    this.#answer = quietPromise();
    if (errand.under !== undefined) this.#under = [errand.under];
  }

  /** Settles once: with the result, or earlier with a stale value when the soft timeout has passed. */
  get answer(): Promise<Look<Value>> {
    return this.#atOnce?.answer ?? this.#answer.promise;
  }

  /** The key, or a tag of it, changed since the flight began: what it brings may be old, and must not be kept. */
  get overtaken(): Outdated | undefined {
    return this.#overtaken ?? (this.#under === undefined ? undefined : worstOf(this.#under));
  }

  set overtaken(by: Outdated | undefined) {
    this.#overtaken = by;
  }

  /** What it has answered with, until the load ends, was invalidated since by a tag of its own: it is not for those who come now. */
  get withdrawn(): boolean {
    return this.#stoodIn?.outdated === 'invalidated';
  }

  /** Answers with its stand-in, and goes on. */
  standIn(look: Look<Value>): void {
    this.#stoodIn = this.standby?.under;
    this.resolve(look);
  }

  /** What is known and may be old, for a loader that looks whether it still holds. */
  get previous(): Value | undefined {
    return this.standby?.under?.outdated === 'invalidated' ? undefined : this.standby?.value;
  }

  /** What it found is under these. */
  comeUnder(tags: Tagged): void {
    this.#under = [...(this.#under ?? []), tags];
  }

  /** The answer, for one more caller. They are metered here, not by a promise of their own for each. */
  wait(): Promise<Look<Value>> {
    if (this.#atOnce !== undefined) this.#count(this.#atOnce.look, 1);
    else if (this.#outcome === undefined) this.#callers += 1;
    else this.#count(this.#outcome, 1);
    return this.answer;
  }

  /**
   * Answers all who wait, and who come before `untilUs`, with what the store had. The flight goes on; what it brings is the answer of those
   * who come later.
   */
  answerAtOnce(look: Look<Value>, untilUs: number): void {
    if (!this.#settle(look)) return;
    this.#answer.resolve(look);
    this.#atOnce = { answer: this.#answer.promise, look, untilUs };
    this.#answer = quietPromise();
    this.#outcome = undefined;
    this.#callers = 0;
  }

  /** Somebody comes. */
  join(clock: Clock): void {
    this.awaited = true;
    if (this.#atOnce !== undefined && clock.nowUs() >= this.#atOnce.untilUs) this.#atOnce = undefined;
  }

  /** Offers a stand-in; the one that was made last wins. After `softTimeoutMs` `onSlow` is called, once. */
  offer(standby: Standby<Value>, softTimeoutMs: number, onSlow: () => void): void {
    if (this.standby !== undefined && this.standby.usableUntilUs >= standby.usableUntilUs) return;
    this.standby = standby;
    if (standby.under !== undefined) this.#alsoHeld = [...(this.#alsoHeld ?? []), standby.under.retain()];
    this.#softTimer ??= setTimeout(onSlow, softTimeoutMs);
  }

  resolve(look: Look<Value>): void {
    if (this.#settle(look)) this.#answer.resolve(look);
  }

  reject(error: unknown): void {
    if (this.#settle('failed')) this.#answer.reject(error);
  }

  /** No more timers, and nothing is held. */
  end(): void {
    clearTimeout(this.#softTimer);
    if (this.#ended) return;
    this.#ended = true;
    for (const under of this.#under ?? []) under.release();
    for (const under of this.#alsoHeld ?? []) under.release();
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

/** Every caller may have given up by the time it fails. */
function quietPromise<Value>(): PromiseWithResolvers<Value> {
  const all = Promise.withResolvers<Value>();
  all.promise.catch(ignore);
  return all;
}

function worstOf(all: readonly Tagged[]): Outdated | undefined {
  let worst: Outdated | undefined;
  for (const { outdated } of all) {
    if (outdated === 'invalidated') return outdated;
    worst ??= outdated;
  }
  return worst;
}

const ignore = (): void => undefined;
