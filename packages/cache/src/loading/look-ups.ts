import { FleetingMap, OverloadedError } from '@spillway/kernel';
import type { GetOptions, Loader, Look } from '../cache.ts';
import type { Meter } from '../meter.ts';
import type { ParsedOptions } from '../options.ts';
import type { StoreRead } from '../store.ts';
import type { Outdated } from '../tiers/bus-message.ts';
import type { L1Tier } from '../tiers/l1-tier.ts';
import type { L2Tier } from '../tiers/l2-tier.ts';
import type { Life, ShelfLife } from '../tiers/shelf-life.ts';
import type { Values } from '../values/values.ts';
import { Flight, type Standby } from './flight.ts';
import type { HeldLease } from './held-lease.ts';
import { isFound, type Leases, type Moves } from './leases.ts';
import type { Loads } from './loads.ts';

/** Keys looked up at a time (G7). Far beyond what the loads let through: a guard, not a setting. */
const MAX_FLIGHTS = 100_000;

/** How often a look-up starts again since the key was invalidated meanwhile. Then the last answer has to do. */
const MAX_RESTARTS = 2;

export interface LookUpParts<Value> {
  readonly options: ParsedOptions<Value>;
  readonly l1: L1Tier<Value>;
  readonly l2: L2Tier | undefined;
  readonly loads: Loads<Value>;
  /** Undefined: each process loads for itself. */
  readonly leases: Leases | undefined;
  readonly shelf: ShelfLife;
  readonly values: Values<Value>;
  readonly meter: Meter;
}

/** How a leased load has ended, by what became of its fill. */
const ENDINGS = { filled: 'filled', refused: 'again', failed: 'unkept' } as const;

type Found = Exclude<StoreRead, { kind: 'absent' }>;
type Lives = (value: unknown) => Life;

/** What happens when L1 has no fresh entry: L2, then the loader, then whatever is stale; one flight per key. */
export class LookUps<Value> {
  readonly #parts: LookUpParts<Value>;
  readonly #flights = new FleetingMap<Flight<Value>>();
  #fills = 0;
  readonly #whenSettled: (() => void)[] = [];

  constructor(parts: LookUpParts<Value>) {
    this.#parts = parts;
  }

  /** The flight under way for the key, or a new one. It rejects with what the load rejects with. */
  join(key: string, loader: Loader<Value>, given: GetOptions | undefined, attempt = 0): Flight<Value> {
    const { options, l1, shelf, meter } = this.#parts;
    const flying = this.#flights.get(key);
    if (flying !== undefined) {
      if (flying.epoch === l1.epoch) return flying;
      // It began before messages may have been missed, one about this key perhaps.
      this.overtake(key, 'expired');
    }
    const lives = shelf.parse(given);
    const flight = new Flight<Value>({ key, loader, given, attempt }, options.clock.nowUs(), l1.epoch, meter);
    const entry = l1.find(key);
    if (entry !== undefined && !entry.negative) {
      this.#offer(flight, { value: entry.value as Value, usableUntilUs: entry.usableUntilUs });
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
  async settled(): Promise<void> {
    if (this.#fills > 0) await new Promise<void>((resolve) => this.#whenSettled.push(resolve));
  }

  /** Callbacks and not promises up to the answer of L2: each promise between costs more than the parsing of the entry. */
  #fly(flight: Flight<Value>, lives: Lives): void {
    const { l2, leases } = this.#parts;
    const { key } = flight.errand;
    if (l2?.usable(key) !== true) {
      void this.#load(flight, lives, undefined);
      return;
    }
    if (leases !== undefined) {
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
      } else void leases.contend(flight, this.#moves(flight, lives), read);
    });
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
        if (flight.errand.attempt >= MAX_RESTARTS) {
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
    const { l1, loads, values, meter } = this.#parts;
    const { errand, beganUs, epoch } = flight;
    const { key, loader } = errand;
    const fill = (value: Value | undefined, life: Life): void => {
      if (token !== undefined) this.#fill(flight, token, value, life, lease);
    };
    try {
      // Past its hard timeout nobody here waits for it nor watches for invalidations; the store still does, by the token.
      const loaded = await loads.run(key, lease?.watch(loader) ?? loader, (late) => {
        // Nobody waits for it any more whom an error of the caller's `ttl` could reach.
        try {
          fill(late, lives(late));
        } catch (error) {
          meter.error('fill', error);
        }
      });
      const { value, bytes } = values.share(loaded);
      if (flight.overtaken === undefined) {
        const life = lives(value);
        l1.keep(key, { value, bytes, life, beganUs, epoch });
        fill(value, life);
      } else void lease?.end('again');
      this.#arrive(flight, { value, from: 'loader', negative: value === undefined });
    } catch (error) {
      lease?.fail(error);
      this.#land(flight);
      this.#crash(flight, error);
    }
  }

  #arrive(flight: Flight<Value>, look: Look<Value>): void {
    this.#land(flight);
    // What an overtaken flight brings may be older than the change that its waiters must see by now.
    if (flight.overtaken === undefined || flight.errand.attempt >= MAX_RESTARTS) flight.resolve(look);
    else this.#restart(flight);
  }

  #restart(flight: Flight<Value>): void {
    const { key, loader, given, attempt } = flight.errand;
    this.join(key, loader, given, attempt + 1).answer.then(
      (later) => flight.resolve(later),
      (error: unknown) => flight.reject(error),
    );
  }

  /** Uses what the store answered: something fresh ends the flight, something stale may stand in. */
  #take(flight: Flight<Value>, read: Found): Look<Value> | undefined {
    switch (read.kind) {
      case 'deleted':
        flight.standby = undefined;
        if (flight.overtaken === undefined) this.#parts.l1.drop(flight.errand.key);
        return undefined;
      case 'claimed':
        return undefined;
      case 'negative':
        if (read.freshForMs <= 0) return undefined;
        this.#keep(flight, read.freshForMs, { value: undefined, bytes: 0 });
        return { value: undefined, from: 'l2', negative: true };
      case 'value': {
        const decoded = this.#parts.values.decode(read.text);
        if (decoded === undefined) return undefined;
        const { value } = decoded;
        if (read.freshForMs > 0) {
          this.#keep(flight, read.freshForMs, decoded);
          return { value, from: 'l2', negative: false };
        }
        const { usableMs } = this.#parts.shelf.remaining(read.freshForMs, false);
        const nowUs = this.#parts.options.clock.nowUs();
        if (usableMs > 0) this.#offer(flight, { value, usableUntilUs: nowUs + usableMs * 1000 });
        return undefined;
      }
      default:
        return read satisfies never;
    }
  }

  #keep(flight: Flight<Value>, freshForMs: number, shared: { value: Value | undefined; bytes: number }): void {
    if (flight.overtaken !== undefined) return;
    const { beganUs, epoch } = flight;
    const life = this.#parts.shelf.remaining(freshForMs, shared.value === undefined);
    this.#parts.l1.keep(flight.errand.key, { ...shared, life, beganUs, epoch });
  }

  /** Fills L2, and lets nobody wait for it. */
  #fill(
    { errand: { key }, beganUs }: Flight<Value>,
    token: string,
    value: Value | undefined,
    life: Life,
    lease: HeldLease | undefined,
  ): void {
    const { l1, l2, values } = this.#parts;
    const encoded = values.encode(value);
    if (l2 === undefined || encoded === undefined) {
      void lease?.end('unkept');
      return;
    }
    this.#fills += 1;
    void l2.fill(key, { token, ...encoded }, life, beganUs).then(async (outcome) => {
      // The token was gone: perhaps by an invalidation of which the bus has not told yet.
      if (outcome === 'refused') l1.doubt(key);
      await lease?.end(ENDINGS[outcome]);
      this.#fills -= 1;
      if (this.#fills === 0) for (const settle of this.#whenSettled.splice(0)) settle();
    });
  }

  #offer(flight: Flight<Value>, standby: Standby<Value>): void {
    flight.offer(standby, this.#parts.options.loads.softTimeoutMs, () => {
      const look = this.#standIn(flight);
      if (look !== undefined) flight.resolve(look);
    });
  }

  #standIn({ standby, overtaken }: Flight<Value>): Look<Value> | undefined {
    if (standby === undefined || overtaken !== undefined) return undefined;
    if (this.#parts.options.clock.nowUs() >= standby.usableUntilUs) return undefined;
    return { value: standby.value, from: 'stale', negative: false };
  }

  #land(flight: Flight<Value>): void {
    flight.end();
    // One that was overtaken has been taken out already, and another may be in its place.
    if (flight.overtaken === undefined) this.#flights.delete(flight.errand.key);
  }

  #crash(flight: Flight<Value>, error: unknown): void {
    flight.end();
    const standsIn = this.#letsStandIn(error);
    // It does not know whether its stand-in was invalidated since; a new look-up does.
    if (standsIn && flight.overtaken === 'expired' && flight.errand.attempt < MAX_RESTARTS) {
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
