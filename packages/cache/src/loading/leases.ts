import { type Bus, type Clock, ConfigurationError, StoreUnavailableError } from '@spillway/kernel';
import type { CacheWaitMessage } from '../channels.ts';
import { SharedLoadError } from '../errors.ts';
import type { Meter } from '../meter.ts';
import type { LeasedRead, LeaseSpace, LeaseTerms } from '../store.ts';
import { attempt } from '../tiers/attempt.ts';
import type { L2Tier } from '../tiers/l2-tier.ts';
import { isTagged, type JudgedRead, type TaggedRead, type Tags } from '../tiers/tags.ts';
import { HeldLease, type HeldLeaseParts } from './held-lease.ts';
import { type Ending, WakeUps } from './wake-ups.ts';

/** Look-ups that wait for another process at a time (G7); the ones beyond load for themselves. */
const MAX_WAITING = 1_024;

/** How often one look-up asks for the lease of a key that changes hands, or its value, all the time. Then it loads without. */
const MAX_TURNS = 8;

/** How often a waiter looks around: whether the store is still there; and, where no wake-up would come, into the store. */
const LOOK_MS = 100;

/** What the store answers, its tags looked up. */
export type LeasedAnswer = JudgedRead | Extract<LeasedRead, { kind: 'absent' | 'leased' | 'loading' }>;

/** A look-up, as far as a lease concerns it. */
export interface Contender {
  readonly errand: { readonly key: string };
  readonly beganUs: number;
  readonly overtaken: unknown;
  onOvertaken: (() => void) | undefined;
}

/** What a look-up does next. */
export interface Moves {
  /** Takes what the store has. False: it is of no use, the key has to be loaded. */
  use(read: JudgedRead): boolean;
  /** Loads; what it brings may be filled with the token, if there is one. */
  load(token: string | undefined, lease?: HeldLease): void;
  fail(error: unknown): void;
  /** The key was invalidated meanwhile. */
  restart(): void;
}

export interface LeaseParts {
  readonly name: string;
  readonly l2: L2Tier;
  readonly tags: Pick<Tags, 'judge'>;
  readonly bus: Bus | undefined;
  readonly terms: LeaseTerms;
  readonly hardTimeoutMs: number;
  readonly clock: Clock;
  readonly meter: Meter;
}

type Verdict =
  | { readonly do: 'nothing' }
  | { readonly do: 'load'; readonly token?: string | undefined; readonly lease?: HeldLease }
  | { readonly do: 'fail'; readonly error: unknown }
  | { readonly do: 'restart' };

/** `lapsed`: the lease has ended, or may have; `away`: the store must not be read now; `crowded`: too many wait. */
type Woken = Ending | 'lapsed' | 'overtaken' | 'timed-out' | 'away' | 'crowded';

/**
 * Who loads a key that several processes miss at once: the one that gets the lease. The others wait until it tells them how that
 * ended, no longer than its lease is renewed, nor than a load may take; then they look again, and one of them has the next lease.
 */
export class Leases {
  readonly #parts: LeaseParts;
  readonly #space: LeaseSpace;
  readonly #wakeUps: WakeUps;
  readonly #held = new Set<string>();
  readonly #holding: HeldLeaseParts;
  #waiting = 0;

  constructor(parts: LeaseParts) {
    const { name, l2, bus } = parts;
    if (l2.leases === undefined) {
      throw new ConfigurationError(`The l2 of cache ${JSON.stringify(name)} has no leases`, [
        { path: 'loads.across', message: 'is "processes", which this l2 can not do; write "process"' },
      ]);
    }
    this.#parts = parts;
    this.#space = l2.leases;
    this.#wakeUps = new WakeUps(bus, `cache-loads:${name}`);
    this.#holding = { space: this.#space, wakeUps: this.#wakeUps, leaseMs: parts.terms.leaseMs, meter: parts.meter };
  }

  /** Look-ups that wait for another process. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Tells `onRead`, once, what the store answers; undefined when it did not, or something else than it should. */
  look(key: string, onRead: (read: LeasedAnswer | undefined) => void): void {
    const fail = (error: unknown): void => {
      this.#parts.meter.error('read', error);
      onRead(undefined);
    };
    attempt(
      () => this.#space.look(key, this.#parts.terms),
      (read: LeasedRead | undefined) => {
        if (read === undefined) fail(new TypeError('The store answered nothing'));
        else if (isUnderTags(read)) this.#parts.tags.judge(read, onRead);
        else onRead(read as LeasedAnswer);
      },
      fail,
    );
  }

  close(): void {
    this.#wakeUps.close();
  }

  /** Makes one of the moves, after a look that was of no use. Never rejects. */
  async contend(flight: Contender, moves: Moves, first: LeasedAnswer): Promise<void> {
    const contest = new Contest(flight, moves, first, this.#parts);
    let verdict: Verdict;
    try {
      verdict = await this.#decide(contest);
    } catch (error) {
      this.#parts.meter.error('lease', error);
      verdict = contest.alone();
    }
    switch (verdict.do) {
      case 'nothing':
        return;
      case 'load':
        return moves.load(verdict.token, verdict.lease);
      case 'fail':
        return moves.fail(verdict.error);
      case 'restart':
        return moves.restart();
      default:
        return verdict satisfies never;
    }
  }

  async #decide(contest: Contest): Promise<Verdict> {
    const { flight } = contest;
    const { key } = flight.errand;
    for (let turn = 0; turn < MAX_TURNS; turn += 1) {
      const { read } = contest;
      const taken = isHolding(read)
        ? read
        : await this.#judged(this.#space.take(key, tokenOf(read), this.#parts.terms));
      if (contest.take(taken)) return contest.over('answered', { do: 'nothing' });
      if (taken.kind === 'leased') {
        return contest.over('taken-over', { do: 'load', token: taken.token, lease: this.hold(key, taken.token) });
      }
      if (taken.kind !== 'loading') continue;
      // By a flight of this very cache that nobody joins any more: what it brings may be old.
      if (this.#held.has(taken.token)) return contest.alone();
      const woken = await this.#wait(contest, taken);
      switch (woken) {
        case 'overtaken':
          return contest.over('restarted', { do: 'restart' });
        case 'timed-out': {
          const detail = `gave no answer within ${this.#parts.hardTimeoutMs} ms, in another process`;
          return contest.over('timed-out', { do: 'fail', error: new StoreUnavailableError('load', undefined, detail) });
        }
        case 'crowded':
        case 'unkept':
          return contest.alone();
        case 'away':
          return contest.alone('without-token');
        case 'lapsed':
          // As long as it lasts, the hard timeout is what ends it.
          turn -= 1;
          break;
        case 'again':
        case 'filled':
          break;
        default:
          return contest.over('failed', { do: 'fail', error: new SharedLoadError(woken) });
      }
      if (!this.#parts.l2.usable(key)) return contest.alone('without-token');
      if (contest.take(await this.#judged(this.#space.look(key, this.#parts.terms)))) {
        return contest.over('answered', { do: 'nothing' });
      }
      // Not fresh, though just filled: another load would not make it so, and they must not queue up for it.
      if (woken === 'filled' && 'freshForMs' in contest.read) return contest.alone();
    }
    return contest.alone();
  }

  /** What is under tags is worth what their records say. */
  async #judged(asked: Promise<LeasedRead>): Promise<LeasedAnswer> {
    const read = await asked;
    if (!isUnderTags(read)) return read as LeasedAnswer;
    const judged = await new Promise<JudgedRead | undefined>((resolve) => this.#parts.tags.judge(read, resolve));
    return judged ?? { kind: 'claimed', token: read.token };
  }

  /** The lease that a look or a take has given. */
  hold(key: string, token: string): HeldLease {
    this.#held.add(token);
    return new HeldLease(this.#holding, key, token, () => this.#held.delete(token));
  }

  async #wait({ flight }: Contest, { token, leftMs }: { token: string; leftMs: number }): Promise<Woken> {
    const { l2, clock, hardTimeoutMs, meter } = this.#parts;
    if (this.#waiting >= MAX_WAITING) {
      meter.bound('waits');
      return 'crowded';
    }
    const { promise, resolve } = Promise.withResolvers<Woken>();
    const giveUpUs = flight.beganUs + hardTimeoutMs * 1_000;
    const endsUs = clock.nowUs() + leftMs * 1_000;
    let timer: NodeJS.Timeout | undefined;
    const lookLater = (): void => {
      const leftUs = Math.min(endsUs, giveUpUs) - clock.nowUs();
      timer = setTimeout(lookAround, Math.min(LOOK_MS, Math.max(1, Math.ceil(leftUs / 1_000))));
    };
    const lookAround = (): void => {
      const nowUs = clock.nowUs();
      if (flight.overtaken !== undefined) resolve('overtaken');
      else if (nowUs >= giveUpUs) resolve('timed-out');
      else if (!l2.usable(flight.errand.key)) resolve('away');
      else if (nowUs >= endsUs || !this.#wakeUps.live) resolve('lapsed');
      else lookLater();
    };
    this.#waiting += 1;
    flight.onOvertaken = () => resolve('overtaken');
    const stop = this.#wakeUps.listen(token, resolve);
    lookLater();
    try {
      // Since it was asked who has the lease.
      return flight.overtaken === undefined ? await promise : 'overtaken';
    } finally {
      this.#waiting -= 1;
      flight.onOvertaken = undefined;
      stop();
      clearTimeout(timer);
    }
  }
}

/** One look-up that finds nothing fresh: what it has seen of the key, and whether it had to wait. */
class Contest {
  readonly flight: Contender;
  read: LeasedAnswer;
  readonly #moves: Moves;
  readonly #parts: LeaseParts;
  readonly #beganUs: number;
  #waited = false;

  constructor(flight: Contender, moves: Moves, first: LeasedAnswer, parts: LeaseParts) {
    this.flight = flight;
    this.read = first;
    this.#moves = moves;
    this.#parts = parts;
    this.#beganUs = parts.clock.nowUs();
  }

  /** The next answer of the store. Whether it is of use. */
  take(read: LeasedAnswer): boolean {
    this.read = read;
    if (read.kind === 'loading') this.#waited = true;
    return isFound(read) && this.#moves.use(read);
  }

  over<Result extends Verdict>(outcome: CacheWaitMessage['outcome'], verdict: Result): Result {
    const { meter, clock } = this.#parts;
    if (this.#waited) meter.wait(outcome, (clock.nowUs() - this.#beganUs) / 1_000);
    return verdict;
  }

  alone(how: 'with-token' | 'without-token' = 'with-token'): Verdict {
    return this.over('alone', { do: 'load', token: how === 'with-token' ? tokenOf(this.read) : undefined });
  }
}

/** What `use` may be asked about. */
export const isFound = (read: LeasedAnswer): read is JudgedRead => read.kind !== 'absent' && !isHolding(read);

const isHolding = (read: LeasedAnswer): read is Extract<LeasedAnswer, { kind: 'leased' | 'loading' }> =>
  read.kind === 'leased' || read.kind === 'loading';

const isUnderTags = (read: LeasedRead): read is TaggedRead =>
  (read.kind === 'value' || read.kind === 'negative') && isTagged(read);

const tokenOf = (read: LeasedAnswer): string | undefined => (read.kind === 'absent' ? undefined : read.token);
