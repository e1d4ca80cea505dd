import type { Random } from '@spillway/kernel';
import { backOffMs } from '../core/back-off.ts';

/** How long a connection whose probe got no answer is kept in the hope of a late one, before another is tried. */
const PATIENCE_MS = 3_000;

/** What is asked to find out whether a server may be used. */
export interface Probe {
  readonly name: string;
  /** Whether the answer comes from a server that may be used. */
  readonly accepts: (reply: unknown) => boolean;
}

export const PING: Probe = { name: 'PING', accepts: () => true };

/** A Sentinel may have named a server that is no longer the master. */
export const MASTER_ROLE: Probe = {
  name: 'ROLE',
  accepts: (reply) => Array.isArray(reply) && reply[0] === 'master',
};

/** The lane that is probed. */
export interface Probed {
  /** In a row, for the back-off. */
  failures(): number;
  /** Whether a probe may go out now; then it will. */
  mayProbe(): boolean;
  /** `onAnswered` is called by any answer, `onLate` by one past its deadline; the promise rejects at the deadline. */
  sendProbe(name: string, onAnswered: () => void, onLate: () => void): Promise<unknown>;
  passed(): void;
  failed(error: unknown): void;
  drop(): void;
}

/** Probes a lane whose breaker is open, again and again, on the connection that there is. */
export class Prober {
  readonly #probe: Probe;
  readonly #random: Random;
  readonly #lane: Probed;
  #unanswered = false;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(probe: Probe, random: Random, lane: Probed) {
    this.#probe = probe;
    this.#random = random;
    this.#lane = lane;
  }

  /** A new connection: what the old one owed will not come. */
  connected(): void {
    clearTimeout(this.#retry);
    this.#unanswered = false;
    this.probe();
  }

  disconnected(): void {
    clearTimeout(this.#retry);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
  }

  /** Probes again on the same connection, if there is one by then; a new one probes by itself. */
  later(): void {
    this.#after(this.#backOffMs(), () => this.probe());
  }

  probe(): void {
    if (this.#closed || this.#unanswered || !this.#lane.mayProbe()) return;
    this.#unanswered = true;
    const { name, accepts } = this.#probe;
    const answered = () => {
      this.#unanswered = false;
    };
    // A late answer: the server runs again. Ask once more, in time.
    const late = () => {
      clearTimeout(this.#retry);
      this.probe();
    };
    this.#lane.sendProbe(name, answered, late).then(
      (reply) => {
        if (accepts(reply)) return this.#lane.passed();
        this.#lane.failed(new Error(`The server is not the one to use: it answered ${name} with ${String(reply)}`));
        this.#after(this.#backOffMs(), () => this.#lane.drop());
      },
      (error) => {
        // A user without the right to probe is answered, and may go on.
        if (error?.reply === 'NOPERM') return this.#lane.passed();
        this.#lane.failed(error?.cause ?? error);
        if (!this.#unanswered) return this.later();
        this.#after(PATIENCE_MS * (0.5 + this.#random() / 2), () => this.#lane.drop());
      },
    );
  }

  #after(delayMs: number, then: () => void): void {
    clearTimeout(this.#retry);
    if (!this.#closed) this.#retry = setTimeout(then, delayMs);
  }

  #backOffMs(): number {
    return backOffMs(Math.max(1, this.#lane.failures()), this.#random);
  }
}
