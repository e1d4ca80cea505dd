/**
 * The leases that this instance holds, and what it knows of the pace of their keys: see "Lease" in docs/4.protocols/limits.md. No
 * clock and no store: whoever asks says what time it is, on this process's monotonic clock.
 *
 * The bound (G7): at most `maxKeys` keys are known. Beyond it a new key is not followed, and its takes stay exact; a key that was
 * silent for `maxAge` is forgotten, by a hand that looks at two for each newcomer.
 */

/** Units that were reserved in the store and may be spent here. */
export interface Lease<Terms> {
  /** Units left. */
  left: number;
  /** When it was asked for. */
  readonly sentAtUs: number;
  /** Nothing is spent at or after this moment. */
  readonly endUs: number;
  /** What came with it: which window it was taken from, how the policies stood. */
  readonly terms: Terms;
}

/** What is left of a lease that has ended or was dropped, and could be handed back. */
export interface Leftover<Terms> {
  readonly key: string;
  readonly units: number;
  readonly terms: Terms;
}

export interface LeaseTableOptions {
  readonly maxAgeUs: number;
  readonly maxKeys: number;
}

/** How fast a key is spent: two counters, each for a quarter of `maxAge`. */
interface Pace<Terms> {
  readonly key: string;
  /** Which quarter `spent` is of. */
  quarter: number;
  spent: number;
  spentBefore: number;
  /** How much the last reserve asked for. */
  wanted: number;
  lastUs: number;
  lease: Lease<Terms> | undefined;
}

export class LeaseTable<Terms> {
  readonly #maxAgeUs: number;
  readonly #quarterUs: number;
  readonly #maxKeys: number;
  readonly #paces = new Map<string, Pace<Terms>>();
  /** Keys with a lease, that which was reserved first comes first: so they end in about this order. */
  readonly #held = new Map<string, Pace<Terms>>();
  readonly #ended: (lease: Lease<Terms>) => void;
  #hand: Iterator<Pace<Terms>> | undefined;

  /** `ended`: hears of each lease that was held, once, when it is over; also when nothing is left of it. */
  constructor({ maxAgeUs, maxKeys }: LeaseTableOptions, ended: (lease: Lease<Terms>) => void = () => {}) {
    this.#ended = ended;
    this.#maxAgeUs = maxAgeUs;
    this.#quarterUs = Math.max(1, Math.floor(maxAgeUs / 4));
    this.#maxKeys = maxKeys;
  }

  /** Keys with a lease. */
  get held(): number {
    return this.#held.size;
  }

  /** Keys that are followed. */
  get size(): number {
    return this.#paces.size;
  }

  /** The key's lease, if it covers so much. */
  covering(key: string, nowUs: number, cost: number): Lease<Terms> | undefined {
    const lease = this.#paces.get(key)?.lease;
    return lease === undefined || nowUs >= lease.endUs || lease.left < cost ? undefined : lease;
  }

  /** Spends `cost` from the key's lease: the lease, or undefined when there is none that covers it. */
  spend(key: string, nowUs: number, cost: number): Lease<Terms> | undefined {
    const pace = this.#paces.get(key);
    const lease = pace?.lease;
    if (pace === undefined || lease === undefined || nowUs >= lease.endUs || lease.left < cost) return undefined;
    lease.left -= cost;
    this.#count(pace, nowUs, cost);
    return lease;
  }

  /**
   * How much to reserve beside a take of `cost` that goes to the store: what was spent in the last half of `maxAge` or less, at
   * most twice as much as the last time. So the first take of a key asks for none, and one-time keys lease nothing.
   */
  want(key: string, nowUs: number): number {
    const pace = this.#paces.get(key) ?? this.#follow(key, nowUs);
    if (pace === undefined) return 0;
    this.#turn(pace, nowUs);
    pace.wanted = Math.min(pace.spent + pace.spentBefore, Math.max(1, 2 * pace.wanted));
    return pace.wanted;
  }

  /** The store has admitted a take of the key. */
  admitted(key: string, nowUs: number, cost: number): void {
    const pace = this.#paces.get(key);
    if (pace !== undefined) this.#count(pace, nowUs, cost);
  }

  /** Holds what a reserve was granted. What was left of the key's last lease comes back: one key has one lease. */
  hold(key: string, lease: Lease<Terms>): Leftover<Terms> | undefined {
    const before = this.drop(key);
    const pace = this.#paces.get(key);
    if (lease.left < 1) return before;
    // Forgotten meanwhile: nobody would spend it.
    if (pace === undefined) return { key, units: lease.left, terms: lease.terms };
    pace.lease = lease;
    this.#held.set(key, pace);
    return before;
  }

  /** Ends a key's lease. */
  drop(key: string): Leftover<Terms> | undefined {
    const pace = this.#held.get(key);
    return pace === undefined ? undefined : this.#end(pace);
  }

  /** Ends the leases whose time is over, and those of keys that nobody has spent for half of `maxAge`. */
  endDue(nowUs: number): readonly Leftover<Terms>[] {
    const halfUs = this.#maxAgeUs / 2;
    const ended: Leftover<Terms>[] = [];
    for (const pace of this.#held.values()) {
      const { lease, lastUs } = pace;
      // Those behind it were reserved later still. (One that ended early with its window has nothing to hand back.)
      if (lease !== undefined && nowUs - lease.sentAtUs < halfUs) break;
      if (lease !== undefined && nowUs < lease.endUs && nowUs - lastUs < halfUs) continue;
      const leftover = this.#end(pace);
      if (leftover !== undefined) ended.push(leftover);
    }
    return ended;
  }

  /** Ends all. */
  endAll(): readonly Leftover<Terms>[] {
    return [...this.#held.values()].flatMap((pace) => this.#end(pace) ?? []);
  }

  #end(pace: Pace<Terms>): Leftover<Terms> | undefined {
    const { key, lease } = pace;
    this.#held.delete(key);
    pace.lease = undefined;
    if (lease !== undefined) this.#ended(lease);
    return lease === undefined || lease.left < 1 ? undefined : { key, units: lease.left, terms: lease.terms };
  }

  #count(pace: Pace<Terms>, nowUs: number, cost: number): void {
    this.#turn(pace, nowUs);
    pace.spent += cost;
    pace.lastUs = nowUs;
  }

  #turn(pace: Pace<Terms>, nowUs: number): void {
    const quarter = Math.floor(nowUs / this.#quarterUs);
    if (quarter === pace.quarter) return;
    pace.spentBefore = quarter === pace.quarter + 1 ? pace.spent : 0;
    pace.spent = 0;
    pace.quarter = quarter;
    if (nowUs - pace.lastUs >= this.#maxAgeUs) pace.wanted = 0;
  }

  /** Undefined when there are too many. */
  #follow(key: string, nowUs: number): Pace<Terms> | undefined {
    this.#forgetSilent(nowUs);
    if (this.#paces.size >= this.#maxKeys) return undefined;
    const pace = { key, quarter: 0, spent: 0, spentBefore: 0, wanted: 0, lastUs: nowUs, lease: undefined };
    this.#paces.set(key, pace);
    return pace;
  }

  #forgetSilent(nowUs: number): void {
    for (let looked = 0; looked < 2; looked += 1) {
      this.#hand ??= this.#paces.values();
      const { value: pace, done } = this.#hand.next();
      if (done === true) {
        this.#hand = undefined;
        return;
      }
      if (pace.lease === undefined && nowUs - pace.lastUs >= this.#maxAgeUs) this.#paces.delete(pace.key);
    }
  }
}
