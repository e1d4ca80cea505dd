import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { tell } from '../channels.ts';
import { DirectoryLockedError, lockDirectory } from '../spool/directory-lock.ts';
import { fromPathName, isEpoch } from '../spool/layout.ts';
import { openSpool } from '../spool/spool.ts';
import type { EventTransport } from '../transport.ts';
import type { WatermarkSource } from '../watermarks.ts';
import { type Drain, startDrain } from './drain.ts';

export interface AdopterOptions {
  readonly log: string;
  /** The log's directory: one directory per producer in it. */
  readonly directory: string;
  readonly transport: EventTransport;
  readonly watermarks: WatermarkSource;
  readonly everyMs: number;
  readonly stallMs: number;
}

export interface AdoptedStats {
  /** Spools being drained now. */
  readonly draining: number;
  /** Spools drained to the end. */
  readonly drained: number;
  /** Events of dead producers that this process sent and the sink committed. */
  readonly counted: number;
}

/** Spools drained at a time: after a crash of many, what just came back is not stormed. */
const MOST_AT_ONCE = 4;

/** Looks for the spools of dead producers under the same root and drains them, each under its own name and numbers. */
export class Adopter {
  readonly #options: AdopterOptions;
  readonly #drains = new Map<string, Drain>();
  /** Directories that could not be read the last time. */
  readonly #unreadable = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #state: 'looking' | 'waiting' | 'stopped' = 'waiting';
  #look: Promise<void> = Promise.resolve();
  #drained = 0;
  #counted = 0;

  constructor(options: AdopterOptions) {
    this.#options = options;
  }

  get stats(): AdoptedStats {
    return { draining: this.#drains.size, drained: this.#drained, counted: this.#counted };
  }

  /** Looks now, and again and again. */
  start(): void {
    if (this.#state !== 'waiting') return;
    clearTimeout(this.#timer);
    this.#state = 'looking';
    this.#look = this.#lookAround().finally(() => {
      if (this.#state === 'stopped') return;
      this.#state = 'waiting';
      this.#timer = setTimeout(() => this.start(), this.#options.everyMs);
      // Looking for the dead is no reason to stay alive.
      this.#timer.unref();
    });
  }

  async stop(): Promise<void> {
    this.#state = 'stopped';
    clearTimeout(this.#timer);
    await this.#look;
    for (const drain of this.#drains.values()) drain.stop();
    await Promise.all([...this.#drains.values()].map(({ done }) => done));
  }

  /** Whether the last try to read this directory failed: nobody should wait for it to be drained. */
  isUnreadable(directory: string): boolean {
    return this.#unreadable.has(directory);
  }

  async #lookAround(): Promise<void> {
    const { directory, log } = this.#options;
    try {
      for (const path of await readdir(directory)) {
        const producer = fromPathName(path);
        if (producer !== undefined) await this.#adoptOldest(producer, join(directory, path));
      }
    } catch (error) {
      tell.retry(() => ({ log, what: 'adopt', error }));
    }
  }

  /** One epoch of a producer at a time, the oldest first: order holds across its lives. */
  async #adoptOldest(producer: string, directory: string): Promise<void> {
    const { log } = this.#options;
    const epochs = await listEpochs(directory);
    for (const epoch of epochs) {
      const path = join(directory, epoch);
      if (this.#state === 'stopped' || this.#drains.size >= MOST_AT_ONCE || this.#drains.has(path)) return;
      try {
        await this.#adopt(producer, epoch, path);
        this.#unreadable.delete(path);
        return;
      } catch (error) {
        if (error instanceof DirectoryLockedError) return;
        // One that can not be read must not keep the later ones waiting.
        this.#unreadable.add(path);
        tell.retry(() => ({ log, what: 'adopt', error }));
      }
    }
    if (epochs.length === 0) await removeProducer(directory).catch(() => undefined);
  }

  async #adopt(producer: string, epoch: string, directory: string): Promise<void> {
    const { log, transport, watermarks, stallMs } = this.#options;
    const lock = lockDirectory(directory);
    try {
      const spool = await openSpool(directory);
      const of = { producer, epoch };
      const onCounted = (events: number): void => {
        this.#counted += events;
      };
      tell.adopted(() => ({ log, ...of, stage: 'taken', bytes: spool.bytes, damagedBytes: 0 }));
      const drain = startDrain({ log, of, spool, lock, transport, watermarks, stallMs, onCounted });
      this.#drains.set(directory, drain);
      drain.done.then((outcome) => {
        this.#drains.delete(directory);
        if (outcome === 'drained') this.#drained += 1;
        if (outcome === 'failed') this.#unreadable.add(directory);
        // The producer's next epoch may go now.
        else this.start();
      });
    } catch (error) {
      lock.release();
      throw error;
    }
  }
}

/** The epochs in a producer's directory, oldest first. */
export async function listEpochs(producerDirectory: string): Promise<string[]> {
  const names = await readdir(producerDirectory).catch(() => []);
  return names.filter(isEpoch).sort();
}

/** Removes a producer's directory when no live process owns it. */
async function removeProducer(directory: string): Promise<void> {
  lockDirectory(directory).release({ remove: true });
  await rmdir(directory);
}
