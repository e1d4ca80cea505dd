import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { tell } from '../channels.ts';
import { type DirectoryLock, DirectoryLockedError, lockDirectory } from '../spool/directory-lock.ts';
import { fromPathName, isEpoch } from '../spool/layout.ts';
import { openSpool, type Spool } from '../spool/spool.ts';
import type { EventTransport } from '../transport.ts';
import type { WatermarkSource } from '../watermarks.ts';
import { createBackoff } from './backoff.ts';
import { Sender } from './sender.ts';

export interface AdopterOptions {
  readonly log: string;
  /** The log's directory: one directory per producer in it. */
  readonly directory: string;
  readonly transport: EventTransport;
  readonly watermarks: WatermarkSource;
  readonly everyMs: number;
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

interface Drain {
  readonly stop: () => Promise<void>;
}

/** Looks for the spools of dead producers under the same root and drains them, each under its own name and numbers. */
export class Adopter {
  readonly #options: AdopterOptions;
  readonly #drains = new Map<string, Drain>();
  readonly #unreadable = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #running = true;
  #scan: Promise<void> = Promise.resolve();
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
    this.#scan = this.scan().finally(() => {
      if (!this.#running) return;
      this.#timer = setTimeout(() => this.start(), this.#options.everyMs);
      // Looking for the dead is no reason to stay alive.
      this.#timer.unref();
    });
  }

  async stop(): Promise<void> {
    this.#running = false;
    clearTimeout(this.#timer);
    await this.#scan;
    await Promise.all([...this.#drains.values()].map((drain) => drain.stop()));
  }

  async scan(): Promise<void> {
    const { directory, log } = this.#options;
    try {
      for (const producerPath of await readdir(directory)) {
        const producer = fromPathName(producerPath);
        if (producer === undefined) continue;
        for (const epoch of await listEpochs(join(directory, producerPath))) {
          if (!this.#running || this.#drains.size >= MOST_AT_ONCE) return;
          await this.#adoptOrTell(producer, epoch, join(directory, producerPath, epoch));
        }
        removeProducer(join(directory, producerPath)).catch(() => undefined);
      }
    } catch (error) {
      tell.retry(() => ({ log, what: 'adopt', error }));
    }
  }

  /** Whether the last try to read this directory failed: nobody should wait for it to be drained. */
  isUnreadable(directory: string): boolean {
    return this.#unreadable.has(directory);
  }

  async #adoptOrTell(producer: string, epoch: string, directory: string): Promise<void> {
    const { log } = this.#options;
    try {
      await this.#adopt(producer, epoch, directory);
      this.#unreadable.delete(directory);
    } catch (error) {
      this.#unreadable.add(directory);
      tell.retry(() => ({ log, what: 'adopt', error }));
    }
  }

  async #adopt(producer: string, epoch: string, directory: string): Promise<void> {
    if (this.#drains.has(directory)) return;
    const { log } = this.#options;
    let lock: DirectoryLock;
    try {
      lock = lockDirectory(directory);
    } catch (error) {
      if (error instanceof DirectoryLockedError) return;
      throw error;
    }
    try {
      const spool = await openSpool(directory);
      this.#drains.set(directory, this.#drain({ producer, epoch, spool, lock }));
      tell.adopted(() => ({ log, producer, epoch, stage: 'taken', bytes: spool.bytes, damagedBytes: 0 }));
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  #drain({
    producer,
    epoch,
    spool,
    lock,
  }: {
    producer: string;
    epoch: string;
    spool: Spool;
    lock: DirectoryLock;
  }): Drain {
    const { log, transport, watermarks } = this.#options;
    const of = { producer, epoch };
    let stopped = false;
    let wake: (() => void) | undefined;
    const sender = new Sender({
      log,
      of,
      spool,
      transport,
      watermarks,
      onSettled: (batches, deadLettered) => {
        this.#counted += batches.reduce((sum, batch) => sum + batch.events, 0) - deadLettered;
        wake?.();
      },
    });
    const pause = (ms: number): Promise<void> =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });

    const work = async (): Promise<void> => {
      const backoff = createBackoff(100, 5_000);
      const bytes = spool.bytes;
      // Nothing is read before SQL has said how far its batches were committed.
      while (!stopped && bytes > 0) {
        try {
          await sender.catchUp();
          break;
        } catch (error) {
          tell.retry(() => ({ log, what: 'watermark', error }));
          await pause(backoff.next());
        }
      }
      await spool.trim(sender.watermark);
      sender.start();
      while (!stopped && (spool.unread > 0 || sender.inFlight > 0)) {
        await pause(250);
        await spool.trim(sender.watermark);
      }
      await sender.stop();
      if (stopped) {
        lock.release();
      } else {
        await spool.empty();
        lock.release({ remove: true });
        await rmdir(spool.directory).catch(() => undefined);
        this.#drained += 1;
        tell.adopted(() => ({ log, ...of, stage: 'drained', bytes, damagedBytes: spool.damagedBytes }));
      }
      this.#drains.delete(spool.directory);
    };
    const done = work().catch((error) => {
      // The disk failed under it: let it go, and try again with the next scan.
      lock.release();
      this.#drains.delete(spool.directory);
      this.#unreadable.add(spool.directory);
      tell.retry(() => ({ log, what: 'adopt', error }));
    });
    return {
      stop: () => {
        stopped = true;
        wake?.();
        return done;
      },
    };
  }
}

/** The epochs in a producer's directory, oldest first. */
export async function listEpochs(producerDirectory: string): Promise<string[]> {
  const names = await readdir(producerDirectory).catch(() => []);
  return names.filter(isEpoch).sort();
}

/** Removes a producer's directory when no epoch is left in it and no live process owns it. */
async function removeProducer(directory: string): Promise<void> {
  if ((await listEpochs(directory)).length > 0) return;
  lockDirectory(directory).release({ remove: true });
  await rmdir(directory);
}
