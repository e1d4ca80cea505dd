import { FleetingMap, OverloadedError } from '@spillway/kernel';
import type { GetOptions, Loader, Look } from '../cache.ts';
import type { EarlyRefresh } from '../core/early-refresh.ts';
import type { L1Entry } from '../core/l1-entry.ts';
import type { Tagged } from '../core/tag-index.ts';
import type { Meter } from '../meter.ts';
import type { ParsedOptions } from '../options.ts';
import type { EntryTag } from '../store.ts';
import type { Outdated } from '../tiers/bus-message.ts';
import type { L1Tier } from '../tiers/l1-tier.ts';
import type { L2Tier } from '../tiers/l2-tier.ts';
import type { Life, ShelfLife } from '../tiers/shelf-life.ts';
import { isBarred, type JudgedRead, type Tags } from '../tiers/tags.ts';
import type { Values } from '../values/values.ts';
import type { Batch } from './batch.ts';
import { Fills } from './fills.ts';
import { type Errand, Flight, type Standby } from './flight.ts';
import type { HeldLease } from './held-lease.ts';
import { isFound, type LeasedAnswer, type Leases, type Moves } from './leases.ts';
import type { Loads } from './loads.ts';
import { currentValue, type NotModified } from './not-modified.ts';
import { answersUntilUs, toAtOnce } from './refreshes.ts';

/** Keys looked up at a time (G7). Far beyond what the loads let through: a guard, not a setting. */
const MAX_FLIGHTS = 100_000;

/** How often a look-up starts again since the key was invalidated meanwhile. Then the last answer has to do. */
const MAX_RESTARTS = 2;

export interface LookUpParts<Value> {
  readonly options: ParsedOptions<Value>;
  readonly l1: L1Tier<Value>;
  readonly l2: L2Tier | undefined;
  readonly tags: Tags;
  readonly loads: Loads;
  /** Undefined: each process loads for itself. */
  readonly leases: Leases | undefined;
  readonly early: EarlyRefresh | undefined;
  readonly shelf: ShelfLife;
  readonly values: Values<Value>;
  readonly meter: Meter;
}

type Lives = (value: unknown) => Life;

/** What happens when L1 has no fresh entry: L2, then the loader, then whatever is stale; one flight per key. */
export class LookUps<Value> {
  readonly #parts: LookUpParts<Value>;
  readonly #flights = new FleetingMap<Flight<Value>>();
  readonly #fills: Fills<Value>;

  constructor(parts: LookUpParts<Value>) {
    this.#parts = parts;
    this.#fills = new Fills(parts);
  }

  /** The flight under way for the key, or a new one. It rejects with what the load rejects with. */
  join(key: string, loader: Loader<Value> | Batch<Value>, given: GetOptions | undefined): Flight<Value> {
    const flight = this.#flying(key) ?? this.#begin({ key, loader, given, attempt: 0, purpose: 'answer' });
    flight.join(this.#parts.options.clock);
    return flight;
  }

  /** Answers with an entry that is due, and has it refreshed, unless somebody is about it. */
  refresh(entry: L1Entry<Value>, loader: Loader<Value> | Batch<Value>, given: GetOptions | undefined): Look<Value> {
    const { key, value } = entry;
    const from = this.#parts.l1.isPast(entry) ? 'stale' : 'l1';
    if (this.#flying(key) === undefined) this.#begin({ key, loader, given, attempt: 0, purpose: 'refresh' });
    this.#parts.meter.answer(from, false);
    return { value, from, negative: false };
  }

  /** The flight for the key that may be joined. */
  #flying(key: string): Flight<Value> | undefined {
    const flying = this.#flights.get(key);
    if (flying === undefined) return undefined;
    const overtaken = flying.overtaken ?? (flying.withdrawn ? 'invalidated' : undefined);
    if (flying.epoch === this.#parts.l1.epoch && overtaken === undefined) return flying;
    // By a tag; or it began before messages may have been missed, one about this key perhaps.
    this.overtake(key, overtaken ?? 'expired');
    return undefined;
  }

  #begin(errand: Omit<Errand<Value>, 'under'>): Flight<Value> {
    const { options, l1, shelf, tags, meter } = this.#parts;
    const { key, loader, given } = errand;
    const lives = shelf.parse(given);
    const under = tags.under(given?.tags);
    const flight = new Flight<Value>({ ...errand, under }, options.clock.nowUs(), l1.epoch, meter);
    const entry = l1.find(key);
    if (entry !== undefined && !entry.negative) {
      const { value, usableUntilUs, tagged } = entry;
      const missed = tagged !== undefined && tagged.epoch !== l1.epoch;
      this.#offer(flight, { value: value as Value, usableUntilUs, under: tagged?.under, missed });
    }
    if (this.#flights.size >= MAX_FLIGHTS) {
      meter.bound('flights');
      this.#crash(
        flight,
        new OverloadedError(`The set of look-ups of cache ${JSON.stringify(options.name)}`, MAX_FLIGHTS),
      );
      return flight;
    }
    this.#flights.add(key, flight);
    if (typeof loader !== 'function') loader.expect(key);
    this.#fly(flight, lives);
    return flight;
  }

  /** Whatever is under way for the key is not kept, and nobody joins it any more. */
  overtake(key: string, by: Outdated): void {
    const flight = this.#flights.get(key);
    if (flight === undefined) return;
    flight.overtaken = by;
    this.#flights.delete(key);
    flight.onOvertaken?.();
  }

  overtakeAll(): void {
    const flights = [...this.#flights.values()];
    for (const flight of flights) flight.overtaken = 'invalidated';
    this.#flights.clear();
    for (const flight of flights) flight.onOvertaken?.();
  }

  get size(): number {
    return this.#flights.size;
  }

  /** Resolves when no fill is under way. */
  settled(): Promise<void> {
    return this.#fills.settled();
  }

  /** Callbacks and not promises up to the answer of L2: each promise between costs more than the parsing of the entry. */
  #fly(flight: Flight<Value>, lives: Lives): void {
    const { l2, leases } = this.#parts;
    const { key } = flight.errand;
    if (l2?.usable(key) !== true) {
      void this.#load(flight, lives, undefined);
      return;
    }
    // Not in a batch: its keys wait for each other, and those of two processes could wait crosswise.
    if (leases !== undefined && typeof flight.errand.loader === 'function') {
      this.#flyLeased(flight, lives, leases);
      return;
    }
    l2.read(key, (read) => {
      const look = read === undefined ? undefined : this.#take(flight, read);
      if (look === undefined) void this.#load(flight, lives, read?.token);
      else this.#arrive(flight, look);
    });
  }

  #flyLeased(flight: Flight<Value>, lives: Lives, leases: Leases): void {
    leases.look(flight.errand.key, (read) => {
      const look = read === undefined || !isFound(read) ? undefined : this.#take(flight, read);
      if (look !== undefined) this.#arrive(flight, look);
      else if (read === undefined) void this.#load(flight, lives, undefined);
      else if (read.kind === 'leased') {
        void this.#load(flight, lives, read.token, leases.hold(flight.errand.key, read.token));
      } else void this.#contend(flight, lives, leases, read);
    });
  }

  async #contend(flight: Flight<Value>, lives: Lives, leases: Leases, read: LeasedAnswer): Promise<void> {
    // Who waits for another's load may have to let its stand-in answer.
    await this.#askStandIn(flight, 'whatever it is under');
    await leases.contend(flight, this.#moves(flight, lives), read);
  }

  #moves(flight: Flight<Value>, lives: Lives): Moves {
    return {
      use: (read) => {
        const look = this.#take(flight, read);
        if (look !== undefined) this.#arrive(flight, look);
        return look !== undefined;
      },
      load: (token, lease) => void this.#load(flight, lives, token, lease),
      fail: (error) => {
        this.#land(flight);
        this.#crash(flight, error);
      },
      restart: () => {
        if (flight.errand.attempt >= MAX_RESTARTS || !flight.awaited) {
          void this.#load(flight, lives, undefined);
          return;
        }
        this.#land(flight);
        this.#restart(flight);
      },
    };
  }

  /** Ends the flight, well or badly. Never rejects. */
  async #load(flight: Flight<Value>, lives: Lives, token: string | undefined, lease?: HeldLease): Promise<void> {
    const { l1, loads, early, values, meter, options } = this.#parts;
    const { errand, beganUs, epoch } = flight;
    const { key, loader, under } = errand;
    let fillable = token !== undefined;
    let entryTags: readonly EntryTag[] | undefined;
    const fill = (value: Value | undefined, life: Life): void => {
      if (fillable && token !== undefined) this.#fills.begin(flight, { token, tags: entryTags, lease }, value, life);
      else void lease?.end('unkept');
    };
    try {
      if (fillable && under !== undefined) {
        entryTags = await this.#claimTags(flight, under);
        fillable = entryTags !== undefined;
      }
      if (token !== undefined && lease === undefined) await this.#askStandIn(flight);
      const previous = flight.previous;
      const loadBeganUs = early === undefined ? 0 : options.clock.nowUs();
      // Past its hard timeout nobody here waits for it nor watches for invalidations; the store still does, by the token.
      const onLate = (late: Value | NotModified | undefined): void => {
        // Nobody waits for it any more whom an error of the caller's `ttl` could reach.
        try {
          const value = currentValue(late, previous);
          fill(value, lives(value));
        } catch (error) {
          meter.error('fill', error);
        }
      };
      const loaded = await (typeof loader === 'function'
        ? loads.run(key, lease?.watch(loader) ?? loader, onLate, previous)
        : loader.load(key, previous, onLate));
      const loadUs = early === undefined ? undefined : options.clock.nowUs() - loadBeganUs;
      if (loadUs !== undefined) early?.took(loadUs);
      const { value, bytes } = values.share(currentValue(loaded, previous));
      if (flight.overtaken === undefined) {
        const life = lives(value);
        l1.keep(key, { value, bytes, life, beganUs, epoch, loadUs, under });
        fill(value, life);
      } else void lease?.end('again');
      this.#arrive(flight, { value, from: 'loader', negative: value === undefined });
    } catch (error) {
      lease?.fail(error);
      this.#land(flight);
      this.#crash(flight, error);
    }
  }

  /** Before the load, or an invalidation in between would not be in them. What may not stand in any more does not. */
  async #claimTags(flight: Flight<Value>, under: Tagged): Promise<readonly EntryTag[] | undefined> {
    const now = await this.#parts.tags.claim(under);
    const standby = flight.standby;
    if (now !== undefined && standby?.under !== undefined && isBarred(standby.under, now, standby.missed)) {
      this.#bar(flight);
    }
    return now;
  }

  /** What is known of the key was invalidated: nothing of it stands in. */
  #bar(flight: Flight<Value>): void {
    flight.standby = undefined;
    if (flight.overtaken === undefined) this.#parts.l1.drop(flight.errand.key);
  }

  /** What became of the tags of the stand-in, where those of the errand do not tell. */
  async #askStandIn(flight: Flight<Value>, which: 'other tags' | 'whatever it is under' = 'other tags'): Promise<void> {
    const tags = flight.standby?.under?.tags;
    if (tags === undefined) return;
    const asked = flight.errand.under?.tags;
    if (which === 'other tags' && tags.every((tag) => asked?.includes(tag) === true)) return;
    // As they are now: the stand-in's own may not take these words for those that it was loaded under.
    const now = this.#parts.tags.under(tags);
    if (now !== undefined) await this.#claimTags(flight, now);
    now?.release();
  }

  #arrive(flight: Flight<Value>, look: Look<Value>): void {
    this.#land(flight);
    // What an overtaken flight brings may be older than the change that its waiters must see by now. Where nobody waits, nobody minds.
    if (flight.overtaken === undefined || flight.errand.attempt >= MAX_RESTARTS || !flight.awaited)
      flight.resolve(look);
    else this.#restart(flight);
  }

  #restart(flight: Flight<Value>): void {
    const { key, attempt } = flight.errand;
    const next = this.#flying(key) ?? this.#begin({ ...flight.errand, attempt: attempt + 1, purpose: 'answer' });
    next.join(this.#parts.options.clock);
    next.answer.then(
      (later) => flight.resolve(later),
      (error: unknown) => flight.reject(error),
    );
  }

  /** Uses what the store answered: something fresh ends the flight, something stale may stand in. */
  #take(flight: Flight<Value>, read: JudgedRead): Look<Value> | undefined {
    const { under } = read;
    if (under !== undefined) flight.comeUnder(under);
    switch (read.kind) {
      case 'deleted':
        this.#bar(flight);
        return undefined;
      case 'claimed':
        return undefined;
      case 'negative':
        if (read.freshForMs <= 0) {
          if (read.deleted === true) this.#bar(flight);
          return undefined;
        }
        this.#keep(flight, read.freshForMs, { value: undefined, bytes: 0, under });
        return { value: undefined, from: 'l2', negative: true };
      case 'value': {
        const decoded = this.#parts.values.decode(read.text);
        if (decoded === undefined) return undefined;
        const { value } = decoded;
        const { options, early, shelf } = this.#parts;
        const { usableMs } = shelf.remaining(read.freshForMs, false);
        const usableUntilUs = options.clock.nowUs() + usableMs * 1000;
        const { staleWhileRevalidateMs } = options;
        const may = toAtOnce(flight, read, usableUntilUs, { early, staleWhileRevalidateMs });
        if (may !== 'nothing') this.#keep(flight, read.freshForMs, { ...decoded, under });
        const look: Look<Value> = { value, from: read.freshForMs > 0 ? 'l2' : 'stale', negative: false };
        if (may === 'end') return look;
        if (usableMs > 0) this.#offer(flight, { value, usableUntilUs, under });
        // The answer, and the load goes on behind it.
        if (may === 'answer' && flight.overtaken === undefined) {
          flight.answerAtOnce(look, answersUntilUs(flight.beganUs, usableUntilUs, options));
        }
        return undefined;
      }
      default:
        return read satisfies never;
    }
  }

  #keep(
    flight: Flight<Value>,
    freshForMs: number,
    shared: { value: Value | undefined; bytes: number; under: Tagged | undefined },
  ): void {
    if (flight.overtaken !== undefined) return;
    const { beganUs, epoch } = flight;
    const life = this.#parts.shelf.remaining(freshForMs, shared.value === undefined);
    this.#parts.l1.keep(flight.errand.key, { ...shared, life, beganUs, epoch });
  }

  #offer(flight: Flight<Value>, standby: Standby<Value>): void {
    flight.offer(standby, this.#parts.options.loads.softTimeoutMs, () => {
      const look = this.#standIn(flight);
      if (look !== undefined) flight.standIn(look);
    });
  }

  #standIn({ standby, overtaken }: Flight<Value>): Look<Value> | undefined {
    if (standby === undefined || overtaken !== undefined || standby.under?.outdated === 'invalidated') return undefined;
    if (this.#parts.options.clock.nowUs() >= standby.usableUntilUs) return undefined;
    return { value: standby.value, from: 'stale', negative: false };
  }

  #land(flight: Flight<Value>): void {
    flight.end();
    const { key, loader } = flight.errand;
    if (typeof loader !== 'function') loader.release(key);
    // One that was overtaken may have been taken out already, and another may be in its place.
    if (flight.overtaken === undefined || this.#flights.get(key) === flight) this.#flights.delete(key);
  }

  #crash(flight: Flight<Value>, error: unknown): void {
    flight.end();
    const standsIn = this.#letsStandIn(error);
    // It does not know whether its stand-in was invalidated since; a new look-up does.
    if (standsIn && flight.overtaken === 'expired' && flight.errand.attempt < MAX_RESTARTS && flight.awaited) {
      this.#restart(flight);
      return;
    }
    const look = standsIn ? this.#standIn(flight) : undefined;
    if (look === undefined) flight.reject(error);
    else flight.resolve(look);
  }

  // The predicate is the user's: one that throws must not leave callers waiting.
  #letsStandIn(error: unknown): boolean {
    try {
      return this.#parts.options.staleOnError(error);
    } catch {
      return false;
    }
  }
}
