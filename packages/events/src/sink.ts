import { ConfigurationError, type Duration, monotonicClock, type SqlRunner, toMs } from '@spillway/kernel';
import { tell } from './channels.ts';
import { type EventCodec, jsonCodec } from './codec.ts';
import { type Backoff, createBackoff } from './log/backoff.ts';
import { type Commit, type CommitOptions, commitEntries } from './sink/commit.ts';
import { type Entry, toEntry } from './sink/entry.ts';
import { HeldBatches } from './sink/held-batches.ts';
import { pruneMarks } from './sink/marks-table.ts';
import { isPoison } from './sink/poison.ts';
import type { WriteEvents } from './sink/write-events.ts';
import type { EventReceiver, EventTransport } from './transport.ts';

export interface SinkOptions<Event> {
  /** The log that it counts: the `name` of its producers. */
  readonly name: string;
  /** Where the rows and `eventMigrations` live. */
  readonly sql: SqlRunner;
  readonly transport: EventTransport;
  readonly write: WriteEvents<Event>;
  /** Unique among the live consumers of this log. */
  readonly consumer: string;
  /** Events per transaction, about. Default 20,000. */
  readonly maxEvents?: number;
  /** How long a batch waits for a predecessor that is missing before it is counted out of order. Default `"60s"`. */
  readonly patience?: Duration;
  /** How long watermarks of silent producers are remembered; older batches go to the dead letters. Default `"30d"`. */
  readonly retain?: Duration;
  /** Rows kept in `event_dead_letters` for this log. Default 100,000. */
  readonly maxDeadLetters?: number;
  /** Default: JSON. */
  readonly decode?: EventCodec<Event>['decode'];
  readonly encode?: EventCodec<Event>['encode'];
}

export interface SinkStats {
  readonly events: number;
  readonly batches: number;
  readonly skipped: number;
  readonly deadLettered: number;
  /** Batches that wait for a predecessor. */
  readonly held: number;
  readonly retries: number;
  /** Batches that nobody could supply and that were stepped over. */
  readonly lost: number;
}

/** Counts the events of a log in SQL, each once. Starts by itself. */
export interface Sink {
  stats(): SinkStats;
  /** Finishes the transaction that is open and lets go. What was not committed goes to another consumer. */
  close(): Promise<void>;
}

/** Batches per read: with their largest size, 64 MiB. */
const MAX_BATCHES = 64;
const IDLE_WAIT_MS = 1_000;
/** How long a sink that stops tries to count what it has in hand. */
const LAST_COMMITS_MS = 1_000;
const PRUNE_EVERY_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** @throws {ConfigurationError} when a number is out of range */
export function createSink<Event>(options: SinkOptions<Event>): Sink {
  const maxEvents = options.maxEvents ?? 20_000;
  if (!Number.isSafeInteger(maxEvents) || maxEvents < 1) {
    throw new ConfigurationError(`maxEvents must be an integer >= 1, got ${maxEvents}`);
  }
  return new SqlSink(options, maxEvents, toMs(options.patience ?? '60s'), toMs(options.retain ?? '30d'));
}

class SqlSink<Event> implements Sink {
  readonly #options: SinkOptions<Event>;
  readonly #commitOptions: CommitOptions<Event>;
  readonly #maxEvents: number;
  readonly #patienceMs: number;
  readonly #retainMs: number;
  readonly #receiver: EventReceiver;
  readonly #stopped = new AbortController();
  readonly #done: Promise<void>;
  readonly #hold = new HeldBatches<Event>();
  /** In hand, not yet tried. */
  #queue: Entry<Event>[] = [];
  /** Events per transaction now: fewer after a failure, so that what is too much for the database is tried in parts. */
  #groupEvents: number;
  #pruneAtMs = 0;
  #stats = { events: 0, batches: 0, skipped: 0, deadLettered: 0, retries: 0, lost: 0 };

  constructor(options: SinkOptions<Event>, maxEvents: number, patienceMs: number, retainMs: number) {
    this.#options = options;
    this.#maxEvents = maxEvents;
    this.#groupEvents = maxEvents;
    this.#patienceMs = patienceMs;
    this.#retainMs = retainMs;
    this.#commitOptions = {
      log: options.name,
      write: options.write,
      encode: options.encode ?? jsonCodec<Event>().encode,
      maxDeadLetters: options.maxDeadLetters ?? 100_000,
    };
    this.#receiver = options.transport.receive({ log: options.name, consumer: options.consumer });
    this.#done = this.#run();
  }

  stats(): SinkStats {
    return { ...this.#stats, held: this.#hold.size };
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    await this.#done;
    await this.#receiver.close();
  }

  get #running(): boolean {
    return !this.#stopped.signal.aborted;
  }

  async #run(): Promise<void> {
    const receiveBackoff = createBackoff(100, 2_000);
    const holdBackoff = createBackoff(25, 500);
    const commitBackoff = createBackoff(50, 2_000);
    while (this.#running) {
      if (this.#queue.length === 0) await this.#receive(receiveBackoff, holdBackoff);
      const group = [
        ...this.#hold.take(this.#groupEvents, monotonicMs() - this.#patienceMs),
        ...takeFromQueue(this.#queue, this.#groupEvents),
      ];
      if (group.length > 0) {
        const outcome = await this.#commit(group, commitBackoff);
        if (outcome === 'written') holdBackoff.reset();
      }
      await this.#prune();
    }
    await this.#commitLast(commitBackoff);
  }

  /**
   * What is in hand when the sink stops: left like that, it would wait until another consumer claims it, and with it everything
   * that its producer sends later. What is ahead of a hole gets a moment for the hole to be filled by the others, and is then
   * left to them: order comes before speed.
   */
  async #commitLast(backoff: Backoff): Promise<void> {
    const until = monotonicMs() + LAST_COMMITS_MS;
    for (;;) {
      const group = [
        ...this.#hold.take(this.#groupEvents, monotonicMs() - this.#patienceMs),
        ...takeFromQueue(this.#queue, this.#groupEvents),
      ];
      if (group.length === 0) return;
      const outcome = await this.#commit(group, backoff);
      if (monotonicMs() >= until) return;
      if (outcome !== 'written') await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  async #receive(backoff: Backoff, holdBackoff: Backoff): Promise<void> {
    const { name: log } = this.#options;
    const { signal } = this.#stopped;
    try {
      const waitMs = this.#hold.size > 0 ? holdBackoff.next() : IDLE_WAIT_MS;
      const deliveries = await this.#receiver.next({ maxBatches: MAX_BATCHES, waitMs, signal });
      backoff.reset();
      const decode = this.#options.decode ?? jsonCodec<Event>().decode;
      const garbage = [];
      for (const delivery of deliveries) {
        const entry = toEntry(delivery, decode, Date.now() - this.#retainMs);
        if (entry === undefined) garbage.push(delivery);
        else this.#queue.push(entry);
      }
      if (garbage.length > 0) await this.#receiver.done(garbage, []);
    } catch (error) {
      if (!this.#running) return;
      tell.retry(() => ({ log, what: 'receive', error }));
      await pause(backoff.next(), signal);
    }
  }

  /** One transaction over the group. What it could not commit is back in hand afterwards. */
  async #commit(group: readonly Entry<Event>[], backoff: Backoff): Promise<'written' | 'nothing' | 'failed'> {
    const { name: log, sql } = this.#options;
    const started = monotonicMs();
    // Once more as it is: a unique index may have met another writer's row. Then it is the data's fault.
    for (const how of ['plain', 'plain', 'bisect'] as const) {
      try {
        const commit = await commitEntries(sql, this.#commitOptions, group, how, Date.now());
        backoff.reset();
        this.#groupEvents = Math.min(this.#groupEvents * 2, this.#maxEvents);
        this.#settle(commit, monotonicMs() - started);
        await this.#acknowledge(commit);
        return commit.written.length > 0 ? 'written' : 'nothing';
      } catch (error) {
        this.#stats.retries += 1;
        tell.retry(() => ({ log, what: 'commit', error }));
        // When not even bisecting finds whose fault it is, COMMIT itself was refused (a deferred constraint): that waits, too.
        if (!isPoison(error)) break;
      }
    }
    this.#queue.unshift(...group);
    this.#groupEvents = Math.max(1, Math.floor(this.#groupEvents / 2));
    await pause(backoff.next(), this.#stopped.signal);
    return 'failed';
  }

  async #acknowledge(commit: Commit<Event>): Promise<void> {
    const { name: log } = this.#options;
    try {
      await this.#receiver.done(
        commit.done.map(({ delivery }) => delivery),
        commit.watermarks,
      );
    } catch (error) {
      // What stays unacknowledged comes back and is skipped.
      tell.retry(() => ({ log, what: 'done', error }));
    }
  }

  #settle(commit: Commit<Event>, durationMs: number): void {
    const { name: log, consumer } = this.#options;
    const dead = commit.deadLetters.reduce((sum, letter) => sum + letter.events, 0);
    const events = commit.written.reduce((sum, { batch }) => sum + batch.events, 0) - dead;
    this.#hold.put(commit.hold, monotonicMs());
    this.#stats.events += events;
    this.#stats.batches += commit.written.length;
    this.#stats.skipped += commit.skipped;
    this.#stats.deadLettered += dead;
    for (const { mark, lost } of commit.gaps) {
      this.#stats.lost += lost;
      tell.gap(() => ({ log, producer: mark.producer, epoch: mark.epoch, seq: mark.seq, batches: lost }));
    }
    for (const { batch, events: count, reason, error } of commit.deadLetters) {
      const { producer, epoch, seq } = batch;
      tell.deadLetter(() => ({ log, producer, epoch, seq, events: count, reason, error }));
    }
    tell.committed(() => ({
      log,
      consumer,
      batches: commit.written.length,
      events,
      skipped: commit.skipped,
      lagMs: commit.written.reduce((lag, { batch }) => Math.max(lag, Date.now() - batch.atMs), 0),
      durationMs,
    }));
  }

  async #prune(): Promise<void> {
    const { name: log, sql } = this.#options;
    const now = monotonicMs();
    if (now < this.#pruneAtMs || !this.#running) return;
    this.#pruneAtMs = now + PRUNE_EVERY_MS;
    // A day later than batches expire, for clocks that differ.
    await pruneMarks(sql, log, Date.now() - this.#retainMs - DAY_MS).catch((error: unknown) =>
      tell.retry(() => ({ log, what: 'commit', error })),
    );
  }
}

/** From the front, until there are `maxEvents`; at least one batch. */
function takeFromQueue<Event>(queue: Entry<Event>[], maxEvents: number): Entry<Event>[] {
  let events = 0;
  let taken = 0;
  for (const { batch } of queue) {
    if (taken > 0 && events + batch.events > maxEvents) break;
    events += batch.events;
    taken += 1;
  }
  return queue.splice(0, taken);
}

const monotonicMs = (): number => monotonicClock.nowUs() / 1000;

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener('abort', finish, { once: true });
    if (signal.aborted) finish();
  });
}
