import { randomUUID } from 'node:crypto';
import { answerReports } from './answer-reports.ts';
import type {
  BatchLoader,
  Cache,
  GetOptions,
  Invalidated,
  InvalidateTarget,
  Loader,
  Look,
  PeekedEntry,
  SetOptions,
  Touched,
  TouchOptions,
} from './cache.ts';
import { createEarlyRefresh } from './core/early-refresh.ts';
import type { L1Entry } from './core/l1-entry.ts';
import { checkKey, checkKeys } from './keys/check-key.ts';
import { abortable } from './loading/abortable.ts';
import { Leases } from './loading/leases.ts';
import { createLoads, type Loads } from './loading/loads.ts';
import { LookUps } from './loading/look-ups.ts';
import { getMany } from './loading/many.ts';
import { Meter } from './meter.ts';
import type { ParsedOptions } from './options.ts';
import type { CacheStats } from './stats.ts';
import { type Notice, type Outdated, toMessage, toNotice } from './tiers/bus-message.ts';
import { L1Tier } from './tiers/l1-tier.ts';
import { L2Tier } from './tiers/l2-tier.ts';
import { createShelfLife, type ShelfLife } from './tiers/shelf-life.ts';
import { Tags } from './tiers/tags.ts';
import { joinTopic, type Topic } from './tiers/topic.ts';
import { Updates } from './updates.ts';
import { cloneDeep } from './values/clone.ts';
import { createValues, type Values } from './values/values.ts';

/** Keys deleted in the store, and named on the bus, at a time. */
const INVALIDATE_BATCH = 500;

/**
 * The tiers put together. What keeps an old value out, wherever an invalidation falls:
 * before a load begins, the load reads the new value; during it, the flight is neither kept nor answered; in another process, the
 * store refuses the fill, since the token is gone, and the bus overtakes the flight; and after all that an L1 entry is fresh until
 * `l1.ttl` after the *beginning* of its read at most.
 */
export class TieredCache<Value> implements Cache<Value> {
  readonly name: string;
  // By which the others know whose deletes are pending.
  readonly #instance = randomUUID();
  readonly #options: ParsedOptions<Value>;
  readonly #meter: Meter;
  readonly #shelf: ShelfLife;
  readonly #values: Values<Value>;
  readonly #l1: L1Tier<Value>;
  readonly #l2: L2Tier | undefined;
  readonly #tags: Tags;
  readonly #loads: Loads;
  readonly #leases: Leases | undefined;
  readonly #lookUps: LookUps<Value>;
  readonly #updates: Updates<Value>;
  readonly #topic: Topic | undefined;
  readonly #stops: (() => void)[] = [];

  constructor(options: ParsedOptions<Value>) {
    const { name, clock, random, bus } = options;
    this.name = name;
    this.#options = options;
    const meter = new Meter(name);
    this.#meter = meter;
    this.#shelf = createShelfLife(options);
    this.#values = createValues(options.codec, options.maxEntryBytes, meter);
    const early = createEarlyRefresh(options.earlyRefresh, random);
    this.#l1 = new L1Tier({ ...options, bounds: options.l1, freshMs: this.#shelf.l1Ms, early, meter });
    this.#tags = this.#openTags();
    this.#l2 = this.#openL2('keys');
    this.#loads = createLoads(name, options.loads, clock, meter);
    this.#leases = this.#openLeases();
    this.#lookUps = new LookUps({
      options,
      l1: this.#l1,
      l2: this.#l2,
      tags: this.#tags,
      loads: this.#loads,
      leases: this.#leases,
      early,
      shelf: this.#shelf,
      values: this.#values,
      meter,
    });
    this.#updates = new Updates({
      clock,
      l1: this.#l1,
      l2: this.#l2,
      tags: this.#tags,
      shelf: this.#shelf,
      values: this.#values,
      drop: (key) => this.#drop(key),
      tell: (key, store) => this.#tell('invalidated', [key], store),
      invalidate: (key) => this.invalidate({ key }),
    });
    this.#stops.push(answerReports(this));
    if (bus !== undefined) {
      const topic = joinTopic(bus, `cache:${name}`, (message) => this.#hear(message));
      this.#topic = topic;
      this.#stops.push(() => topic.leave());
      this.#stops.push(bus.onGap(() => this.#l1.doubtAll()));
    }
  }

  get(key: string, loader: Loader<Value>, options?: GetOptions): Promise<Value | undefined> {
    if (options?.values === 'cloned') return this.#lookCloned(key, loader, options).then((look) => look.value);
    const entry = this.#l1.find(key);
    if (entry?.state !== 'fresh') return this.#ask(entry, key, loader, options).then((look) => look.value);
    this.#meter.answer('l1', entry.negative);
    return Promise.resolve(entry.value);
  }

  look(key: string, loader: Loader<Value>, options?: GetOptions): Promise<Look<Value>> {
    if (options?.values === 'cloned') return this.#lookCloned(key, loader, options);
    const entry = this.#l1.find(key);
    if (entry?.state !== 'fresh') return this.#ask(entry, key, loader, options);
    this.#meter.answer('l1', entry.negative);
    return Promise.resolve({ value: entry.value, from: 'l1', negative: entry.negative });
  }

  async getMany(
    keys: readonly string[],
    loader: BatchLoader<Value>,
    options?: GetOptions<Value>,
  ): Promise<(Value | undefined)[]> {
    const parts = { l1: this.#l1, loads: this.#loads, lookUps: this.#lookUps, meter: this.#meter };
    return await getMany(checkKeys(keys), loader, options, parts);
  }

  peek(key: string): PeekedEntry<Value> | undefined {
    const entry = this.#l1.find(key);
    if (entry?.state === 'fresh') this.#meter.answer('l1', entry.negative);
    return entry;
  }

  set(key: string, value: Value | undefined, options?: SetOptions): Promise<void> {
    return this.#updates.set(key, value, options);
  }

  write<Written extends Value | undefined>(
    key: string,
    change: () => Promise<Written>,
    options?: SetOptions,
  ): Promise<Written> {
    return this.#updates.write(key, change, options);
  }

  invalidate(target: InvalidateTarget): Promise<Invalidated> {
    return this.#outdate('invalidated', target);
  }

  expire(target: InvalidateTarget): Promise<Invalidated> {
    return this.#outdate('expired', target);
  }

  async touch(key: string, options?: TouchOptions): Promise<Touched> {
    checkKey(key);
    const life = this.#shelf.parse(options)(null);
    if (this.#l2 !== undefined) return await this.#l2.prolong(key, life);
    return this.#l1.prolong(key, life) ? 'prolonged' : 'absent';
  }

  stats(): CacheStats {
    const { answers, loads, waits, fills, storeErrors, gaps } = this.#meter;
    return {
      answers: { ...answers },
      l1: { ...this.#l1.stats(), tags: this.#tags.held },
      loads: {
        running: this.#loads.running,
        queued: this.#loads.queued,
        loaded: loads.loaded + loads.absent,
        failed: loads.failed,
        overloaded: loads.overloaded,
        timedOut: loads['timed-out'],
      },
      waits: { waiting: this.#leases?.waiting ?? 0, ...waits },
      l2: {
        filled: fills.filled,
        refused: fills.refused,
        errors: storeErrors,
        pendingDeletes: (this.#l2?.pendingDeletes ?? 0) + this.#tags.pending,
        suspects: (this.#l2?.suspects ?? 0) + this.#tags.suspects,
        bypassed: this.#l2?.bypassed ?? 'none',
      },
      flights: this.#lookUps.size,
      gaps,
    };
  }

  async close(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop();
    this.#l2?.close();
    this.#tags.close();
    this.#leases?.close();
    this.#l1.close();
    await this.#lookUps.settled();
  }

  get #claimMs(): number {
    return 2 * this.#options.loads.hardTimeoutMs + 1_000;
  }

  #openTags(): Tags {
    const { name, l2, ttlMs, staleIfErrorMs } = this.#options;
    return new Tags({
      space: l2?.open(name),
      records: this.#openL2('tags'),
      lifeMs: ttlMs + staleIfErrorMs + this.#claimMs,
      publish: (notice) => this.#publish(notice),
      instance: this.#instance,
      meter: this.#meter,
    });
  }

  #openL2(of: 'keys' | 'tags'): L2Tier | undefined {
    const { name, l2: store, staleIfErrorMs, clock, random } = this.#options;
    if (store === undefined) return undefined;
    const isOfKeys = of === 'keys';
    return new L2Tier({
      name,
      store,
      of,
      ...(isOfKeys ? { tags: this.#tags } : {}),
      // A record that is gone is remembered by its being gone.
      rememberMs: isOfKeys ? staleIfErrorMs : 1,
      claimMs: this.#claimMs,
      clock,
      random,
      meter: this.#meter,
      onReplayed: (names, remember) => {
        const about = isOfKeys ? { keys: names } : { tags: names };
        const as = remember ? 'invalidated' : 'expired';
        this.#publish({ kind: 'replayed', ...about, as, by: this.#instance });
        this.#meter.invalidation(isOfKeys ? names.length : 0, 'replay', 'deleted', isOfKeys ? 0 : names.length);
      },
      onForgotten: () => {
        this.#publish({ kind: 'lost' });
        this.#meter.invalidation(0, 'replay', 'deleted');
      },
    });
  }

  #openLeases(): Leases | undefined {
    const { name, bus, loads, clock } = this.#options;
    if (this.#l2 === undefined || loads.leaseMs === undefined) return undefined;
    const terms = { leaseMs: loads.leaseMs, claimMs: this.#claimMs };
    const { hardTimeoutMs } = loads;
    return new Leases({ name, l2: this.#l2, tags: this.#tags, bus, terms, hardTimeoutMs, clock, meter: this.#meter });
  }

  async #lookCloned(key: string, loader: Loader<Value>, options: GetOptions): Promise<Look<Value>> {
    const look = await this.look(key, loader, { ...options, values: 'shared' });
    return { ...look, value: cloneDeep(look.value) };
  }

  #ask(
    entry: L1Entry<Value> | undefined,
    key: string,
    loader: Loader<Value>,
    options: GetOptions | undefined,
  ): Promise<Look<Value>> {
    try {
      checkKey(key);
      if (entry?.state === 'due') return Promise.resolve(this.#lookUps.refresh(entry, loader, options));
      const flight = this.#lookUps.join(key, loader, options);
      return options?.signal === undefined ? flight.wait() : this.#waitUntil(options.signal, flight.answer);
    } catch (error) {
      this.#meter.answers.failed += 1;
      return Promise.reject(error);
    }
  }

  async #waitUntil(signal: AbortSignal, answer: Promise<Look<Value>>): Promise<Look<Value>> {
    try {
      const look = await abortable(answer, signal);
      this.#meter.answer(look.from, look.negative);
      return look;
    } catch (error) {
      this.#meter.answers.failed += 1;
      throw error;
    }
  }

  async #outdate(kind: Outdated, target: InvalidateTarget): Promise<Invalidated> {
    const { key, keys: given, tags } = target;
    if ([key, given, tags].filter((each) => each !== undefined).length !== 1) {
      const got = JSON.stringify(Object.keys(target));
      throw new TypeError(`An invalidation is of one of key, keys and tags, got ${got}; make one call for each`);
    }
    if (tags !== undefined) return this.#tags.outdate(kind, tags);
    const keys = given === undefined ? [key] : [...new Set(given)];
    keys.forEach(checkKey);
    let outcome: Invalidated = this.#l2 === undefined ? 'off' : 'deleted';
    for (let from = 0; from < keys.length; from += INVALIDATE_BATCH) {
      const batch = keys.slice(from, from + INVALIDATE_BATCH);
      for (const key of batch) this.#drop(key, kind);
      const deleted = await this.#l2?.delete(batch, kind === 'invalidated');
      if (deleted?.unguarded === true) for (const key of batch) this.#drop(key, kind);
      if (deleted?.store === 'pending') outcome = 'pending';
      // After the store, so that whoever hears it does not find the old value there.
      this.#tell(kind, batch, deleted?.store ?? 'off');
    }
    return outcome;
  }

  /**
   * Nothing that was read before now is fresh, and no look-up that begins after now joins an older one. What has `expired` may
   * still stand in.
   */
  #drop(key: string, kind: Outdated = 'invalidated'): void {
    if (kind === 'expired') this.#l1.doubt(key);
    else this.#l1.drop(key);
    this.#lookUps.overtake(key, kind);
    this.#updates.overtake(key);
  }

  #publish(notice: Notice): void {
    this.#topic?.publish(toMessage(notice));
  }

  #tell(kind: Outdated, keys: readonly string[], store: Invalidated): void {
    this.#publish({ kind, keys, ...(store === 'pending' ? { pendingBy: this.#instance } : {}) });
    this.#meter.invalidation(keys.length, 'local', store);
  }

  #hear(message: string): void {
    const notice = toNotice(message);
    if (notice === undefined) {
      this.#l1.doubtAll();
      return;
    }
    if ('tags' in notice) {
      this.#tags.hear(notice);
      return;
    }
    switch (notice.kind) {
      case 'lost':
        this.#l1.dropAll();
        this.#lookUps.overtakeAll();
        this.#updates.overtakeAll();
        this.#l2?.forget();
        break;
      case 'replayed':
        // Whoever has heard of a pending delete has read the key only from the truth since, and keeps it (G4).
        for (const key of notice.keys) if (this.#l2?.acquit(key, notice.by) !== true) this.#drop(key, notice.as);
        this.#meter.invalidation(notice.keys.length, 'bus', 'off');
        break;
      default:
        if (notice.pendingBy !== undefined) this.#l2?.suspect(notice.keys, notice.pendingBy);
        for (const key of notice.keys) this.#drop(key, notice.kind);
        this.#meter.invalidation(notice.keys.length, 'bus', 'off');
    }
  }
}
