import { rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Duration, StoreUnavailableError, toMs } from '@spillway/kernel';
import { type Batch, encodeBatch } from './batch.ts';
import { type DropReason, tell } from './channels.ts';
import { type AdoptedStats, Adopter } from './log/adopter.ts';
import { encodeBodies } from './log/encode-batches.ts';
import { type OpenedSpool, openOwnSpool } from './log/open-spool.ts';
import { type EventLogOptions, type ParsedOptions, parseOptions } from './log/options.ts';
import { Sender } from './log/sender.ts';
import type { SpoolDrop } from './spool/spool.ts';

export interface EventLogStats {
  /** Events given to `publish` since the log was opened. Always `counted + pending +` the sum of `dropped` (G6). */
  readonly accepted: number;
  /** Committed by the sink, as far as this producer knows. */
  readonly counted: number;
  /** In the ring, in a batch being written, or in the spool. */
  readonly pending: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  readonly ring: { readonly events: number; readonly max: number };
  readonly spool: { readonly bytes: number; readonly maxBytes: number; readonly state: 'writable' | SpoolDrop };
  /** Batches sent or about to be, and how often one was sent again. */
  readonly window: { readonly batches: number; readonly resent: number };
  /** Age of the oldest batch that is not committed; 0 without one. */
  readonly lagMs: number;
  /** The spools of dead producers that this process drains. */
  readonly adopted: AdoptedStats;
}

/** Events that survive everything but the loss of their disk, and are counted once. The protocol: docs/4.protocols/clicks.md. */
export interface EventLog<Event> {
  /**
   * Takes the event (which must not change any more) and returns at once. Never throws. False: it was dropped, and `stats().dropped` says why.
   * A true is a promise from the next flush (50 ms) on.
   */
  publish(event: Event): boolean;
  /**
   * Resolves when everything published before is committed by the sink, or dropped and counted as such.
   * @throws {StoreUnavailableError} when `timeout` (default: none) or `signal` ends the wait; nothing is lost by that
   */
  flush(options?: { readonly timeout?: Duration; readonly signal?: AbortSignal }): Promise<void>;
  stats(): EventLogStats;
  /**
   * Takes no more, writes the ring to disk, and waits until all is committed, at most `timeout` (default `"10s"`). What is not committed by then stays in the spool,
   * where another process or the next start finds it. Close the log before its sink and transport.
   */
  close(options?: { readonly timeout?: Duration }): Promise<void>;
}

/** How long `close` waits for a disk that does not answer. */
const DISK_MS = 5_000;

/** Events per batch. */
const MAX_BATCH_EVENTS = 4_096;

/**
 * Opens a log for one producer: takes its directory, and starts to drain what dead producers left.
 * @throws {ConfigurationError} with all that is wrong in the options
 * @throws {DirectoryLockedError} when a live process publishes under the same name
 */
export async function createEventLog<Event>(options: EventLogOptions<Event>): Promise<EventLog<Event>> {
  const parsed = parseOptions(options);
  const logDirectory = join(parsed.root, parsed.logPath);
  const opened = await openOwnSpool(join(logDirectory, parsed.producerPath), {
    maxBytes: parsed.maxSpoolBytes,
    fsync: parsed.fsync,
  });
  return new SpooledEventLog(options, parsed, opened, logDirectory);
}

class SpooledEventLog<Event> implements EventLog<Event> {
  readonly #options: ParsedOptions<Event>;
  readonly #opened: OpenedSpool;
  readonly #sender: Sender;
  readonly #adopter: Adopter;
  readonly #dropped: Record<DropReason, number> = {
    'ring-full': 0,
    'spool-full': 0,
    'disk-full': 0,
    'disk-error': 0,
    unencodable: 0,
    'too-large': 0,
    closed: 0,
    'dead-letter': 0,
  };
  #ring: Event[] = [];
  #timer: NodeJS.Timeout | undefined;
  #state: 'open' | 'closed' | 'stopped' = 'open';
  #closing: Promise<void> | undefined;
  #spoolState: 'writable' | SpoolDrop = 'writable';
  #accepted = 0;
  #counted = 0;
  /** Taken from the ring, not yet in the spool; and in the spool, not yet committed. */
  #writing = 0;
  #spooled = 0;
  #seq = 0;
  #writes: Promise<void> = Promise.resolve();
  #waiters: { readonly resolved: () => boolean; readonly resolve: () => void }[] = [];

  constructor(
    { transport, watermarks }: EventLogOptions<Event>,
    options: ParsedOptions<Event>,
    opened: OpenedSpool,
    directory: string,
  ) {
    this.#options = options;
    this.#opened = opened;
    const { log, producer, stallMs } = options;
    const { epoch, spool } = opened;
    const onSettled = (batches: readonly Batch[], deadLettered: number): void => this.#settle(batches, deadLettered);
    this.#sender = new Sender({ log, of: { producer, epoch }, spool, transport, watermarks, stallMs, onSettled });
    this.#adopter = new Adopter({ log, directory, transport, watermarks, everyMs: options.adoptMs, stallMs });
    this.#adopter.start();
    this.#sender.start(this.#predecessorsGone());
  }

  publish(event: Event): boolean {
    this.#accepted += 1;
    if (this.#state !== 'open') return this.#drop('closed', 1);
    if (this.#ring.length >= this.#options.maxRing) return this.#drop('ring-full', 1);
    this.#ring.push(event);
    if (this.#timer === undefined) this.#timer = setTimeout(() => this.#write(), this.#options.flushMs);
    return true;
  }

  stats(): EventLogStats {
    const { oldestAtMs } = this.#sender;
    return {
      accepted: this.#accepted,
      counted: this.#counted,
      pending: this.#pending,
      dropped: { ...this.#dropped },
      ring: { events: this.#ring.length, max: this.#options.maxRing },
      spool: { bytes: this.#opened.spool.bytes, maxBytes: this.#options.maxSpoolBytes, state: this.#spoolState },
      window: { batches: this.#sender.inFlight, resent: this.#sender.resent },
      lagMs: oldestAtMs === undefined ? 0 : Math.max(0, Date.now() - oldestAtMs),
      adopted: this.#adopter.stats,
    };
  }

  async flush(options: { readonly timeout?: Duration; readonly signal?: AbortSignal } = {}): Promise<void> {
    const signals = [
      options.signal ?? [],
      options.timeout === undefined ? [] : AbortSignal.timeout(toMs(options.timeout)),
    ].flat();
    const signal = signals.length > 0 ? AbortSignal.any(signals) : undefined;
    await this.#writeOut(signal);
    const upTo = this.#seq;
    await this.#until(() => this.#sender.watermark >= upTo || this.#spooled === 0, signal);
  }

  close({ timeout = '10s' }: { readonly timeout?: Duration } = {}): Promise<void> {
    this.#closing ??= this.#close(timeout);
    return this.#closing;
  }

  async #close(timeout: Duration): Promise<void> {
    this.#state = 'closed';
    // However little time there is for the commit, what is in memory goes to disk; only a disk that hangs can hinder that.
    await this.#writeOut(AbortSignal.timeout(DISK_MS)).catch(() => undefined);
    await this.flush({ timeout }).catch(() => undefined);
    this.#state = 'stopped';
    await Promise.all([this.#sender.stop(), this.#adopter.stop()]);
    const done = this.#pending === 0;
    const { spool } = this.#opened;
    await (done ? spool.empty() : spool.close()).catch(() => undefined);
    this.#opened.release({ remove: done });
    if (done) await rmdir(spool.directory).catch(() => undefined);
  }

  /** Resolves when everything published before is on disk: after the write that is out, and the next one, which takes the whole ring. */
  async #writeOut(signal: AbortSignal | undefined): Promise<void> {
    for (let round = 0; round < 2; round += 1) {
      let written = false;
      this.#writes.then(() => {
        written = true;
        this.#wake();
      });
      await this.#until(() => written, signal);
      this.#write();
    }
  }

  get #pending(): number {
    return this.#ring.length + this.#writing + this.#spooled;
  }

  /** Turns the ring into batches and appends them, one write at a time. */
  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // While a write is out the ring fills: a disk that hangs ends in `ring-full`, not in a queue without bound.
    if (this.#writing > 0 || this.#ring.length === 0) return;
    const events = this.#ring;
    this.#ring = [];
    this.#writing = events.length;
    this.#writes = this.#append(events).then(() => {
      if (this.#ring.length > 0 && this.#timer === undefined) this.#write();
    });
  }

  async #append(events: readonly Event[]): Promise<void> {
    for (let at = 0; at < events.length; at += MAX_BATCH_EVENTS) {
      const { bodies, refused } = encodeBodies(this.#options, events.slice(at, at + MAX_BATCH_EVENTS));
      for (const { reason, error } of refused) {
        this.#writing -= 1;
        this.#drop(reason, 1, error);
      }
      for (const { body, events: count } of bodies) await this.#appendBatch(body, count);
    }
  }

  async #appendBatch(body: Uint8Array, events: number): Promise<void> {
    const { log, producer } = this.#options;
    const { epoch, spool } = this.#opened;
    const batch = encodeBatch({ producer, epoch, seq: this.#seq + 1 }, events, Date.now(), body);
    const append = await spool.append(batch);
    this.#writing -= events;
    if (append.outcome === 'written') {
      this.#seq = batch.seq;
      this.#spooled += events;
      this.#spoolState = 'writable';
      tell.batch(() => ({ log, producer, epoch, seq: batch.seq, stage: 'spooled', events, bytes: batch.frame.length }));
      this.#sender.appended(batch);
    } else {
      if (append.number === 'burnt') this.#seq = batch.seq;
      this.#spoolState = append.outcome;
      this.#drop(append.outcome, events, append.error);
    }
    tell.spool(() => ({
      log,
      producer,
      bytes: spool.bytes,
      maxBytes: this.#options.maxSpoolBytes,
      state: this.#spoolState,
    }));
  }

  #settle(batches: readonly Batch[], deadLettered: number): void {
    const events = batches.reduce((sum, batch) => sum + batch.events, 0);
    this.#spooled -= events;
    this.#counted += events - deadLettered;
    if (deadLettered > 0) this.#drop('dead-letter', deadLettered);
    this.#opened.spool.trim(this.#sender.watermark).catch((error) => {
      tell.retry(() => ({ log: this.#options.log, what: 'spool', error }));
    });
    this.#wake();
  }

  #drop(reason: DropReason, events: number, error?: unknown): false {
    const { log, producer } = this.#options;
    this.#dropped[reason] += events;
    tell.dropped(() => ({ log, producer, reason, events, error }));
    this.#wake();
    return false;
  }

  #wake(): void {
    this.#waiters = this.#waiters.filter(({ resolved, resolve }) => {
      if (!resolved()) return true;
      resolve();
      return false;
    });
  }

  #until(resolved: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (resolved()) return resolve();
      const waiter = { resolved, resolve };
      const give = (): void => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(new StoreUnavailableError(`flush of the event log "${this.#options.log}"`, signal?.reason));
      };
      if (signal?.aborted) return give();
      signal?.addEventListener('abort', give, { once: true });
      this.#waiters.push(waiter);
    });
  }

  /** Order holds across lives: the older epochs of this producer are committed first, whoever drains them. */
  async #predecessorsGone(): Promise<void> {
    for (const directory of this.#opened.predecessors) {
      while (this.#state !== 'stopped' && !this.#adopter.isUnreadable(directory)) {
        if ((await stat(directory).catch(() => undefined)) === undefined) break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
}
