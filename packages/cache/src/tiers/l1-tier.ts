import type { Bus, Clock, Random } from '@spillway/kernel';
import type { EarlyRefresh } from '../core/early-refresh.ts';
import { createL1, type L1, type L1Bounds } from '../core/l1.ts';
import { type L1Entry, UNDER_TAGS } from '../core/l1-entry.ts';
import type { Tagged } from '../core/tag-index.ts';
import type { Meter } from '../meter.ts';
import type { Life } from './shelf-life.ts';

export interface L1TierOptions {
  /** Undefined: there is no L1, and nothing is ever found in it. */
  readonly bounds: L1Bounds | undefined;
  /** How long an entry is fresh from the beginning of its read; asked for each. */
  readonly freshMs: () => number;
  /** How long past its end a value may still stand in, or answer while it is being refreshed. */
  readonly staleIfErrorMs: number;
  readonly staleWhileRevalidateMs: number;
  readonly early: EarlyRefresh | undefined;
  readonly bus: Bus | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: Meter;
}

/** What was read, and when the reading of it began. */
export interface Reading<Value> {
  readonly value: Value | undefined;
  /** Of the value, as estimated. */
  readonly bytes: number;
  readonly life: Life;
  readonly beganUs: number;
  /** The tier's epoch when it began. */
  readonly epoch: number;
  /** How long its load took, where it was loaded here. */
  readonly loadUs?: number | undefined;
  /** Held since before it began. */
  readonly under?: Tagged | undefined;
}

/** How often a hit looks whether the bus is live. Asking costs as much as the hit. */
const LISTEN_EVERY_US = 100_000;

/**
 * A bus that is silent for so long makes all of L1 doubtful. Not at once: an event loop that stalled has not heard the bus either,
 * and needs its L1 more than ever; within `l1.ttl` everything is proven again anyway, and what was missed the bus reports as a gap.
 */
const SILENT_US = 500_000;

/** L1 in time: which of its entries are fresh, and which may only stand in. */
export class L1Tier<Value> {
  readonly #l1: L1<Value> | undefined;
  readonly #options: L1TierOptions;
  #epoch = 0;
  #listenUs: number;
  #silence: { readonly sinceUs: number; doubted: boolean } | undefined;
  #closed = false;

  constructor(options: L1TierOptions) {
    this.#options = options;
    const { bounds, meter, random } = options;
    this.#l1 = bounds === undefined ? undefined : createL1(bounds, meter.bound, random() * 2 ** 32);
    this.#listenUs = options.bus === undefined ? Number.POSITIVE_INFINITY : 0;
  }

  /** The entry with its `state` as of now, or undefined when it may not be used at all. */
  find(key: string): L1Entry<Value> | undefined {
    const entry = this.#l1?.get(key);
    if (entry === undefined) return undefined;
    const nowUs = this.#options.clock.nowUs();
    if (nowUs >= this.#listenUs) this.#listen(nowUs);
    if (nowUs < entry.freshUntilUs && entry.epoch === this.#epoch) {
      entry.state = 'fresh';
      this.#l1?.touch(entry);
      return entry;
    }
    const { tagged } = entry;
    const outdated = tagged?.under.outdated;
    if (nowUs >= entry.usableUntilUs || outdated === 'invalidated') {
      this.#l1?.delete(key);
      return undefined;
    }
    const proven = (tagged?.epoch ?? entry.epoch) === this.#epoch && outdated === undefined && nowUs < entry.ceilingUs;
    entry.state = proven ? this.#judge(entry, nowUs) : 'stale';
    if (entry.state !== 'stale') this.#l1?.touch(entry);
    return entry;
  }

  keep(key: string, { value, bytes, life, beganUs, epoch, loadUs, under }: Reading<Value>): void {
    if (this.#l1 === undefined || this.#closed || life.usableMs <= 0) return;
    const nowUs = this.#options.clock.nowUs();
    const negative = value === undefined;
    // From the beginning of the read: what it read may have changed the moment after. No hit ever moves it.
    const ceilingUs = beganUs + this.#options.freshMs() * 1000;
    const zoneUs = negative ? 0 : (this.#options.early?.zoneUs(loadUs) ?? 0);
    this.#l1.put(key, {
      value,
      negative,
      freshUntilUs: Math.min(ceilingUs, nowUs + life.freshMs * 1000 - zoneUs),
      ceilingUs,
      usableUntilUs: nowUs + life.usableMs * 1000,
      epoch: under === undefined ? epoch : UNDER_TAGS,
      tagged: under === undefined ? undefined : { under, epoch },
      valueBytes: bytes,
    });
  }

  /** Moves the end of an entry that is fresh to `life` from now, if that is later. Returns whether there was one. */
  prolong(key: string, life: Life): boolean {
    const entry = this.find(key);
    if (entry === undefined || entry.negative || entry.state === 'stale' || this.isPast(entry)) return false;
    const nowUs = this.#options.clock.nowUs();
    const usableUntilUs = nowUs + life.usableMs * 1000;
    if (usableUntilUs <= entry.usableUntilUs) return true;
    const zoneUs = this.#options.early?.zoneUs(undefined) ?? 0;
    entry.usableUntilUs = usableUntilUs;
    entry.freshUntilUs = Math.min(entry.ceilingUs, nowUs + life.freshMs * 1000 - zoneUs);
    return true;
  }

  /** Whether a value is past its time to live. */
  isPast(entry: L1Entry<Value>): boolean {
    return this.#options.clock.nowUs() >= this.#endUs(entry);
  }

  drop(key: string): void {
    this.#l1?.delete(key);
  }

  dropAll(): void {
    this.#l1?.clear();
  }

  /** This one has to be proven again before its next use, and may only stand in. */
  doubt(key: string): void {
    const entry = this.#l1?.get(key);
    if (entry === undefined) return;
    entry.freshUntilUs = 0;
    entry.ceilingUs = 0;
  }

  /** Messages may have been missed: the same for everything that was read, or began to be read, before now. */
  doubtAll(): void {
    this.#epoch += 1;
    this.#options.meter.gap();
  }

  get epoch(): number {
    return this.#epoch;
  }

  stats(): { entries: number; bytes: number; evicted: number; tooLarge: number } {
    const { entries = 0, bytes = 0, evicted = 0, tooLarge = 0 } = this.#l1 ?? {};
    return { entries, bytes, evicted, tooLarge };
  }

  #endUs(entry: L1Entry<Value>): number {
    return entry.usableUntilUs - this.#options.staleIfErrorMs * 1000;
  }

  /** What a value is that need not be proven, though it is not simply fresh. */
  #judge(entry: L1Entry<Value>, nowUs: number): 'fresh' | 'due' | 'stale' {
    if (nowUs < entry.freshUntilUs) return 'fresh';
    if (entry.negative) return 'stale';
    const endUs = this.#endUs(entry);
    if (nowUs >= endUs) return nowUs < endUs + this.#options.staleWhileRevalidateMs * 1000 ? 'due' : 'stale';
    // Once drawn it is due until it has been refreshed: who peeks comes back with a `get`.
    if (entry.state === 'due') return 'due';
    return this.#options.early?.isDue(endUs - nowUs, endUs - entry.freshUntilUs) === true ? 'due' : 'fresh';
  }

  #listen(nowUs: number): void {
    this.#listenUs = nowUs + LISTEN_EVERY_US;
    if (this.#options.bus?.live !== false) {
      this.#silence = undefined;
      return;
    }
    this.#silence ??= { sinceUs: nowUs, doubted: false };
    if (this.#silence.doubted || nowUs - this.#silence.sinceUs < SILENT_US) return;
    this.#silence.doubted = true;
    this.doubtAll();
  }

  close(): void {
    this.#closed = true;
    this.dropAll();
  }
}
