import { RedisReplyError } from '../errors.ts';

/** Most keys of one MGET: it is answered as a whole, and all its values have to come within the deadline. */
const MOST = 100;

interface Waiter {
  readonly resolve: (value: string | null) => void;
  readonly reject: (error: unknown) => void;
}

/** One command for many callers. */
export interface GatheredCommand {
  readonly name: 'GET' | 'MGET';
  readonly keys: readonly string[];
  answer(reply: unknown): void;
  fail(error: unknown): void;
}

/** GETs of one turn of the event loop, which leave as one MGET: for the client and the server little more work than one GET. */
export class GatheredGets {
  #keys: string[] = [];
  #waiters: Waiter[] = [];
  #most = MOST;

  get size(): number {
    return this.#keys.length;
  }

  add(key: string): Promise<string | null> {
    this.#keys.push(key);
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
  }

  /** What was gathered, or as much of it as one command takes; undefined when there is nothing. */
  take(): GatheredCommand | undefined {
    if (this.#keys.length === 0) return undefined;
    const keys = this.#keys.length <= this.#most ? this.#keys : this.#keys.slice(0, this.#most);
    const waiters = this.#waiters.length <= this.#most ? this.#waiters : this.#waiters.slice(0, this.#most);
    this.#keys = this.#keys.slice(keys.length);
    this.#waiters = this.#waiters.slice(waiters.length);
    const fail = (error: unknown): void => {
      // A user who may GET and not MGET: from now on each goes by itself.
      if (keys.length > 1 && error instanceof RedisReplyError && error.reply === 'NOPERM') this.#most = 1;
      for (const { reject } of waiters) reject(error);
    };
    if (keys.length === 1) return { name: 'GET', keys, answer: (reply) => waiters[0]?.resolve(reply as string), fail };
    const answer = (reply: unknown): void => {
      if (!Array.isArray(reply) || reply.length !== keys.length) fail(new TypeError(`MGET answered ${String(reply)}`));
      else for (const [at, { resolve }] of waiters.entries()) resolve(reply[at]);
    };
    return { name: 'MGET', keys, answer, fail };
  }
}
