import type { Loader } from '../cache.ts';
import type { Meter } from '../meter.ts';
import type { LeaseSpace } from '../store.ts';
import { failureOf } from './failure.ts';
import type { Ending, WakeUps } from './wake-ups.ts';

export interface HeldLeaseParts {
  readonly space: LeaseSpace;
  readonly wakeUps: WakeUps;
  readonly leaseMs: number;
  readonly meter: Meter;
}

/** A lease that this process has: renewed while its loader runs, and given back with word of how that ended. */
export class HeldLease {
  readonly token: string;
  readonly #key: string;
  readonly #parts: HeldLeaseParts;
  readonly #onEnd: () => void;
  #state: 'queued' | 'loading' | 'ended' = 'queued';
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: HeldLeaseParts, key: string, token: string, onEnd: () => void) {
    this.#parts = parts;
    this.#key = key;
    this.token = token;
    this.#onEnd = onEnd;
  }

  /**
   * The loader, as it is to be run. Not renewed before it runs: a process that is short of room for its loads must not keep others
   * from making them.
   */
  watch<Value>(loader: Loader<Value>): Loader<Value> {
    return (key, context) => {
      this.started();
      return loader(key, context);
    };
  }

  /** The load runs from now on. */
  started(): void {
    if (this.#state !== 'queued') return;
    this.#state = 'loading';
    this.#renewLater();
  }

  /** Gives it back, and tells those who wait, if any do. Never rejects; again it does nothing. */
  async end(ending: Ending): Promise<void> {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    clearTimeout(this.#timer);
    this.#onEnd();
    const { space, wakeUps, meter } = this.#parts;
    let released: 'unwaited' | 'waited' | 'lost' = 'lost';
    try {
      released = await space.release(this.#key, this.token, ending === 'filled' ? 'filled' : 'unfilled');
    } catch (error) {
      meter.error('lease', error);
    }
    if (released !== 'unwaited') wakeUps.tell(this.token, ending);
  }

  /** The load failed: so it did for those who wait, unless the loader did not even run. */
  fail(error: unknown): void {
    void this.end(this.#state === 'loading' ? failureOf(error) : 'again');
  }

  #renewLater(): void {
    if (this.#state !== 'loading') return;
    const { space, leaseMs, meter } = this.#parts;
    // The second try after a renewal that failed still comes in time.
    this.#timer = setTimeout(() => {
      space.renew(this.#key, this.token, leaseMs).then(
        (outcome) => {
          if (outcome === 'renewed') this.#renewLater();
        },
        (error: unknown) => {
          meter.error('lease', error);
          this.#renewLater();
        },
      );
    }, leaseMs / 3);
  }
}
