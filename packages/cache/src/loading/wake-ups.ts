import type { Bus } from '@spillway/kernel';
import { joinTopic, type Topic } from '../tiers/topic.ts';
import { type Failure, toFailure } from './failure.ts';

/**
 * How a leased load ended. `filled`: its value is in the store. `unkept`: there is one, but not in the store, nor would another load
 * bring it there. `again`: nobody knows; the key was invalidated meanwhile, say.
 */
export type Ending = 'filled' | 'unkept' | 'again' | Failure;

/** Endings that came before anyone here waited for them: the answer "somebody loads it" and the news may overtake each other. */
const MAX_HEARD = 1_024;

/** The news that a load has ended, from whoever had its lease to those who wait for it: in this process, and over the bus. */
export class WakeUps {
  readonly #bus: Bus | undefined;
  readonly #topic: Topic | undefined;
  // By the lease's token.
  readonly #waiters = new Map<string, Set<(ending: Ending) => void>>();
  readonly #heard = new Map<string, Ending>();
  readonly #stops: (() => void)[] = [];

  constructor(bus: Bus | undefined, topic: string) {
    this.#bus = bus;
    if (bus === undefined) return;
    const joined = joinTopic(bus, topic, (message) => this.#hear(message));
    this.#topic = joined;
    this.#stops.push(() => joined.leave());
    // One of the messages that were missed may have been the awaited one.
    this.#stops.push(bus.onGap(() => this.#wakeAll()));
  }

  /** Whether a wake-up can be expected to arrive. */
  get live(): boolean {
    return this.#bus?.live === true;
  }

  /** Calls `wake`, once, when the load under this lease has ended, at once if it has. Returns how to stop. */
  listen(token: string, wake: (ending: Ending) => void): () => void {
    const heard = this.#heard.get(token);
    if (heard !== undefined) {
      wake(heard);
      return () => undefined;
    }
    const waiters = this.#waiters.get(token) ?? new Set();
    this.#waiters.set(token, waiters.add(wake));
    return () => {
      waiters.delete(wake);
      if (waiters.size === 0 && this.#waiters.get(token) === waiters) this.#waiters.delete(token);
    };
  }

  tell(token: string, ending: Ending): void {
    this.#wake(token, ending);
    this.#topic?.publish(JSON.stringify({ token, ending }));
  }

  /** Whoever waits looks again. */
  #wakeAll(): void {
    for (const token of [...this.#waiters.keys()]) this.#wake(token, 'again');
  }

  close(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #hear(message: string): void {
    const news = toNews(message);
    if (news === undefined || this.#wake(news.token, news.ending)) return;
    if (this.#heard.size >= MAX_HEARD) {
      const [oldest = ''] = this.#heard.keys();
      this.#heard.delete(oldest);
    }
    this.#heard.set(news.token, news.ending);
  }

  #wake(token: string, ending: Ending): boolean {
    const waiters = this.#waiters.get(token);
    if (waiters === undefined) return false;
    this.#waiters.delete(token);
    for (const wake of waiters) wake(ending);
    return true;
  }
}

/** Undefined for a message that nobody here could have sent. */
function toNews(message: string): { readonly token: string; readonly ending: Ending } | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { token, ending } = parsed as Record<string, unknown>;
  if (typeof token !== 'string') return undefined;
  if (ending === 'filled' || ending === 'unkept' || ending === 'again') return { token, ending };
  const failure = toFailure(ending);
  return failure === undefined ? undefined : { token, ending: failure };
}
