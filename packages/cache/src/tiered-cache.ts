import { OverloadedError } from '@spillway/kernel';
import { abortable } from './abortable.ts';
import { toMessage, toTargets } from './bus-message.ts';
import type { Cache, GetOptions, InvalidateTarget, Loader, Look, PeekedEntry, SetOptions } from './cache.ts';
import { createL1, type L1 } from './core/l1.ts';
import type { L1Entry } from './core/l1-entry.ts';
import { Flight, type Standby } from './flight.ts';
import { freezeDeep } from './freeze.ts';
import { L2Tier } from './l2-tier.ts';
import { createLoads, type Loads } from './loads.ts';
import { Meter } from './meter.ts';
import type { ParsedOptions } from './options.ts';
import { createShelfLife, type Life, type ShelfLife } from './shelf-life.ts';
import type { CacheStats } from './stats.ts';
import type { StoreRead } from './store.ts';

/** Keys looked up at a time (G7). Far beyond what the loads let through: a guard, not a setting. */
const MAX_FLIGHTS = 100_000;

/** How often a caller's look-up starts again since the key was invalidated meanwhile. Then the last answer has to do. */
const MAX_RESTARTS = 2;

/** Keys deleted in the store, and named on the bus, at a time. */
const INVALIDATE_BATCH = 500;

/**
 * The tiers put together. What keeps an old value out, wherever an invalidation falls:
 * before a load began, the load reads the new value; during it, the flight is marked and neither kept nor answered; in another
 * process, the store refuses the fill, since the token is gone, and the bus marks the flight; and after all that L1 is fresh for
 * `l1.ttl` from the *beginning* of the read at most.
 */
export class TieredCache<Value> implements Cache<Value> {
  readonly name: string;
  readonly #options: ParsedOptions<Value>;
  readonly #meter: Meter;
  readonly #loads: Loads<Value>;
  readonly #shelf: ShelfLife;
  readonly #l1: L1<Value> | undefined;
  readonly #l2: L2Tier | undefined;
  readonly #flights = new Map<string, Flight<Value>>();
  // The last `set` under way per key; an invalidation takes it away, and L1 is then not filled.
  readonly #writes = new Map<string, object>();
  readonly #fills = new Set<Promise<void>>();
  readonly #stops: (() => void)[] = [];
  #epoch = 0;
  #busWasLive = false;
  #closed = false;

  constructor(options: ParsedOptions<Value>) {
    const { name, clock, random, bus } = options;
    this.name = name;
    this.#options = options;
    this.#meter = new Meter(name);
    this.#shelf = createShelfLife(options);
    this.#loads = createLoads(name, options.loads, clock, this.#meter);
    this.#l1 = options.l1 === undefined ? undefined : createL1(options.l1, this.#meter.bound);
    this.#l2 =
      options.l2 === undefined
        ? undefined
        : new L2Tier({
            name,
            store: options.l2,
            rememberMs: options.staleIfErrorMs,
            claimMs: 2 * options.loads.hardTimeoutMs + 1_000,
            clock,
            random,
            meter: this.#meter,
            onReplayed: (keys) => this.#replayed(keys),
          });
    if (bus !== undefined) {
      this.#busWasLive = bus.live;
      this.#stops.push(bus.subscribe(this.#topic, (message) => this.#hear(message)));
      this.#stops.push(bus.onGap(() => this.#doubtAll()));
    }
  }

  get(key: string, loader: Loader<Value>, options?: GetOptions): Promise<Value | undefined> {
    const hit = this.#hit(key);
    if (hit !== undefined) return Promise.resolve(hit.value);
    return this.#wait(key, loader, options).then((look) => look.value);
  }

  look(key: string, loader: Loader<Value>, options?: GetOptions): Promise<Look<Value>> {
    const hit = this.#hit(key);
    if (hit !== undefined) return Promise.resolve({ value: hit.value, from: 'l1', negative: hit.negative });
    return this.#wait(key, loader, options);
  }

  peek(key: string): PeekedEntry<Value> | undefined {
    const entry = this.#entry(key);
    if (entry?.state === 'fresh') this.#meter.answer('l1', entry.negative);
    return entry;
  }

  async set(key: string, value: Value | undefined, options?: SetOptions): Promise<void> {
    checkKey(key);
    const ttl = this.#shelf.parse(options);
    const beganUs = this.#options.clock.nowUs();
    const epoch = this.#epoch;
    this.#drop(key);
    const write = {};
    if (this.#writes.size < MAX_FLIGHTS) this.#writes.set(key, write);
    const { bytes } = freezeDeep(value);
    const life = ttl(value === undefined);
    const token = await this.#l2?.replace(key);
    const outcome = token === undefined ? 'failed' : await this.#fillStore(key, value, token, life, beganUs);
    if (this.#writes.get(key) === write) {
      this.#writes.delete(key);
      if (outcome !== 'refused') this.#keep(key, value, bytes, life, beganUs, epoch);
    }
    this.#options.bus?.publish(this.#topic, toMessage([key]));
    this.#meter.invalidation(1, 'local', this.#storeOutcome(token !== undefined));
  }

  async invalidate(target: InvalidateTarget): Promise<void> {
    const keys = 'key' in target ? [target.key] : [...new Set(target.keys)];
    keys.forEach(checkKey);
    for (let from = 0; from < keys.length; from += INVALIDATE_BATCH) {
      await this.#invalidateBatch(keys.slice(from, from + INVALIDATE_BATCH));
    }
  }

  stats(): CacheStats {
    const { answers, loads, fills, storeErrors, gaps } = this.#meter;
    const { running, queued } = this.#loads;
    return {
      answers: { ...answers },
      l1: {
        entries: this.#l1?.entries ?? 0,
        bytes: this.#l1?.bytes ?? 0,
        evicted: this.#l1?.evicted ?? 0,
        tooLarge: this.#l1?.tooLarge ?? 0,
      },
      loads: {
        running,
        queued,
        loaded: loads.loaded + loads.absent,
        failed: loads.failed,
        overloaded: loads.overloaded,
        timedOut: loads['timed-out'],
      },
      l2: {
        filled: fills.filled,
        refused: fills.refused,
        errors: storeErrors,
        pendingDeletes: this.#l2?.pendingDeletes ?? 0,
        bypassed: this.#l2?.bypassed ?? 'none',
      },
      flights: this.#flights.size,
      gaps,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const stop of this.#stops.splice(0)) stop();
    this.#l2?.close();
    this.#l1?.clear();
    await Promise.all(this.#fills);
  }

  get #topic(): string {
    return `cache:${this.name}`;
  }

  #hit(key: string): L1Entry<Value> | undefined {
    const entry = this.#entry(key);
    if (entry?.state !== 'fresh') return undefined;
    this.#meter.answer('l1', entry.negative);
    return entry;
  }

  /** L1's entry with its `state` as of now, or undefined when it may not be used at all. */
  #entry(key: string): L1Entry<Value> | undefined {
    const entry = this.#l1?.get(key);
    if (entry === undefined) return undefined;
    const { bus } = this.#options;
    if (bus !== undefined && bus.live !== this.#busWasLive) this.#doubtAll();
    const nowUs = this.#options.clock.nowUs();
    if (nowUs < entry.freshUntilUs && entry.epoch === this.#epoch) {
      entry.state = 'fresh';
      this.#l1?.touch(entry);
      return entry;
    }
    if (nowUs >= entry.usableUntilUs) {
      this.#l1?.delete(key);
      return undefined;
    }
    entry.state = 'stale';
    return entry;
  }

  async #wait(key: string, loader: Loader<Value>, options: GetOptions | undefined): Promise<Look<Value>> {
    try {
      checkKey(key);
      const answer = this.#join(key, loader, options, 0);
      const look = await (options?.signal === undefined ? answer : abortable(answer, options.signal));
      this.#meter.answer(look.from, look.negative);
      return look;
    } catch (error) {
      this.#meter.answers.failed += 1;
      throw error;
    }
  }

  #join(key: string, loader: Loader<Value>, options: GetOptions | undefined, attempt: number): Promise<Look<Value>> {
    const flying = this.#flights.get(key);
    if (flying !== undefined) return flying.answer;
    const ttl = this.#shelf.parse(options);
    const flight = new Flight<Value>(key, this.#options.clock.nowUs(), this.#epoch, attempt);
    const entry = this.#entry(key);
    if (entry !== undefined && !entry.negative) {
      this.#offer(flight, { value: entry.value as Value, usableUntilUs: entry.usableUntilUs });
    }
    if (this.#flights.size >= MAX_FLIGHTS) {
      this.#meter.bound('flights');
      this.#crash(flight, new OverloadedError(`The look-ups of cache ${JSON.stringify(this.name)}`, MAX_FLIGHTS));
      return flight.answer;
    }
    this.#flights.set(key, flight);
    this.#fly(flight, loader, ttl).then(
      (look) => {
        this.#land(flight);
        const restart = flight.invalidated && attempt < MAX_RESTARTS;
        flight.resolve(restart ? this.#join(key, loader, options, attempt + 1) : look);
      },
      (error: unknown) => {
        this.#land(flight);
        this.#crash(flight, error);
      },
    );
    return flight.answer;
  }

  async #fly(flight: Flight<Value>, loader: Loader<Value>, ttl: Ttl): Promise<Look<Value>> {
    const { key, beganUs, epoch } = flight;
    let token: string | undefined;
    if (this.#l2?.usable(key) === true) {
      const read = await this.#l2.read(key);
      const look = read === undefined ? undefined : this.#take(flight, read);
      if (look !== undefined) return look;
      token = read?.token;
    }
    const store = (value: Value | undefined): void => {
      if (token !== undefined) this.#fillLater(flight, value, token, ttl(value === undefined));
    };
    // Past its hard timeout nobody here waits for it, nor watches for invalidations; the store still does, by the token.
    const value = await this.#loads.run(key, loader, (late) => store(late));
    const { bytes } = freezeDeep(value);
    if (!flight.invalidated) {
      this.#keep(key, value, bytes, ttl(value === undefined), beganUs, epoch);
      store(value);
    }
    return { value, from: 'loader', negative: value === undefined };
  }

  /** Uses what the store answered: a fresh value ends the flight, a stale one may stand in. */
  #take(flight: Flight<Value>, read: Exclude<StoreRead, { kind: 'absent' }>): Look<Value> | undefined {
    const { key, beganUs, epoch } = flight;
    if (read.kind === 'deleted') {
      flight.standby = undefined;
      if (!flight.invalidated) this.#l1?.delete(key);
      return undefined;
    }
    if (read.kind === 'claimed') return undefined;
    const life = this.#shelf.remaining(read.freshForMs, read.kind === 'negative');
    if (read.kind === 'negative') {
      if (read.freshForMs <= 0) return undefined;
      if (!flight.invalidated) this.#keep(key, undefined, 0, life, beganUs, epoch);
      return { value: undefined, from: 'l2', negative: true };
    }
    const decoded = this.#decode(read.text);
    if (decoded === undefined) return undefined;
    if (read.freshForMs > 0) {
      if (!flight.invalidated) this.#keep(key, decoded.value, decoded.bytes, life, beganUs, epoch);
      return { value: decoded.value, from: 'l2', negative: false };
    }
    const usableUntilUs = this.#options.clock.nowUs() + life.usableMs * 1000;
    if (life.usableMs > 0) this.#offer(flight, { value: decoded.value, usableUntilUs });
    return undefined;
  }

  #decode(text: string): { readonly value: Value; readonly bytes: number } | undefined {
    try {
      const value = this.#options.codec.decode(text);
      return { value, bytes: freezeDeep(value).bytes };
    } catch (error) {
      this.#meter.error('decode', error);
      return undefined;
    }
  }

  #offer(flight: Flight<Value>, standby: Standby<Value>): void {
    flight.offer(standby, this.#options.loads.softTimeoutMs, () => {
      const look = this.#standIn(flight);
      if (look !== undefined) flight.resolve(look);
    });
  }

  #standIn({ standby, invalidated }: Flight<Value>): Look<Value> | undefined {
    if (standby === undefined || invalidated || this.#options.clock.nowUs() >= standby.usableUntilUs) return undefined;
    return { value: standby.value, from: 'stale', negative: false };
  }

  #land(flight: Flight<Value>): void {
    flight.end();
    if (this.#flights.get(flight.key) === flight) this.#flights.delete(flight.key);
  }

  #crash(flight: Flight<Value>, error: unknown): void {
    flight.end();
    const look = this.#staleOnError(error) ? this.#standIn(flight) : undefined;
    if (look === undefined) flight.reject(error);
    else flight.resolve(look);
  }

  #staleOnError(error: unknown): boolean {
    try {
      return this.#options.staleOnError(error);
    } catch {
      return false;
    }
  }

  /** Fills L1. */
  #keep(key: string, value: Value | undefined, bytes: number, life: Life, beganUs: number, epoch: number): void {
    if (this.#l1 === undefined || this.#closed || life.usableMs <= 0) return;
    const nowUs = this.#options.clock.nowUs();
    this.#l1.put(key, {
      value,
      negative: value === undefined,
      // From the beginning of the read: what it read may have changed the moment after.
      freshUntilUs: Math.min(beganUs + this.#shelf.l1Ms() * 1000, nowUs + life.freshMs * 1000),
      usableUntilUs: nowUs + life.usableMs * 1000,
      epoch,
      valueBytes: bytes,
    });
  }

  /** Fills L2, and lets nobody wait for it. */
  #fillLater(flight: Flight<Value>, value: Value | undefined, token: string, life: Life): void {
    const fill = this.#fillStore(flight.key, value, token, life, flight.beganUs).then((outcome) => {
      this.#fills.delete(fill);
      // The token was gone: perhaps an invalidation, of which the bus has not told yet.
      const entry = outcome === 'refused' ? this.#l1?.get(flight.key) : undefined;
      if (entry !== undefined) entry.freshUntilUs = 0;
    });
    this.#fills.add(fill);
  }

  async #fillStore(
    key: string,
    value: Value | undefined,
    token: string,
    life: Life,
    beganUs: number,
  ): Promise<'filled' | 'refused' | 'failed'> {
    if (this.#l2 === undefined || life.usableMs < 1) return 'failed';
    let text: string | undefined;
    try {
      text = value === undefined ? undefined : this.#options.codec.encode(value);
    } catch (error) {
      this.#meter.error('encode', error);
      return 'failed';
    }
    const loadedAgoMs = Math.ceil((this.#options.clock.nowUs() - beganUs) / 1000);
    return await this.#l2.fill(key, { token, text, freshForMs: life.freshMs, keepForMs: life.usableMs, loadedAgoMs });
  }

  async #invalidateBatch(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#drop(key);
    const deleted = await this.#l2?.invalidate(keys);
    if (deleted?.unguarded === true) for (const key of keys) this.#drop(key);
    // After the store, so that whoever hears it does not find the old value there.
    this.#options.bus?.publish(this.#topic, toMessage(keys));
    this.#meter.invalidation(keys.length, 'local', this.#storeOutcome(deleted?.store === 'deleted'));
  }

  #storeOutcome(deleted: boolean): 'deleted' | 'pending' | 'off' {
    if (this.#l2 === undefined) return 'off';
    return deleted ? 'deleted' : 'pending';
  }

  /** Nothing that was read before now is kept, and no look-up that begins after now joins an older one. */
  #drop(key: string): void {
    this.#l1?.delete(key);
    const flight = this.#flights.get(key);
    if (flight !== undefined) {
      flight.invalidated = true;
      this.#flights.delete(key);
    }
    if (this.#writes.size > 0) this.#writes.delete(key);
  }

  #dropAll(): void {
    this.#l1?.clear();
    for (const flight of this.#flights.values()) flight.invalidated = true;
    this.#flights.clear();
    this.#writes.clear();
  }

  #hear(message: string): void {
    const targets = toTargets(message);
    if (targets === undefined) {
      this.#doubtAll();
      return;
    }
    if (targets === 'all') {
      this.#dropAll();
      this.#l2?.forget();
      return;
    }
    for (const key of targets) this.#drop(key);
    this.#meter.invalidation(targets.length, 'bus', 'off');
  }

  #replayed(keys: readonly string[] | 'all'): void {
    this.#options.bus?.publish(this.#topic, toMessage(keys));
    this.#meter.invalidation(keys === 'all' ? 0 : keys.length, 'replay', 'deleted');
  }

  /** Messages may have been missed: what was read before now has to be proven again, and may only stand in. */
  #doubtAll(): void {
    this.#busWasLive = this.#options.bus?.live ?? false;
    this.#epoch += 1;
    this.#meter.gap();
  }
}

type Ttl = (negative: boolean) => Life;

function checkKey(key: unknown): void {
  if (typeof key !== 'string') throw new TypeError(`A cache key is a string, got ${typeof key}; write e.g. String(id)`);
}
