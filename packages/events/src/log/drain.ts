import { rmdir } from 'node:fs/promises';
import type { BatchId } from '../batch.ts';
import { tell } from '../channels.ts';
import type { DirectoryLock } from '../spool/directory-lock.ts';
import type { Spool } from '../spool/spool.ts';
import type { EventTransport } from '../transport.ts';
import type { WatermarkSource } from '../watermarks.ts';
import { createAlarmClock } from './alarm-clock.ts';
import { createBackoff } from './backoff.ts';
import { Sender } from './sender.ts';

export interface DrainOptions {
  readonly log: string;
  readonly of: Omit<BatchId, 'seq'>;
  readonly spool: Spool;
  /** Released when the drain ends, however it ends. */
  readonly lock: DirectoryLock;
  readonly transport: EventTransport;
  readonly watermarks: WatermarkSource;
  readonly stallMs: number;
  readonly onCounted: (events: number) => void;
}

/** Sends what a dead producer left, until it is committed; then deletes it. */
export interface Drain {
  /** Never rejects. 'failed': the disk failed under it. */
  readonly done: Promise<'drained' | 'stopped' | 'failed'>;
  stop(): void;
}

export function startDrain(options: DrainOptions): Drain {
  const { log, of, spool, lock, transport, watermarks, stallMs } = options;
  const alarm = createAlarmClock();
  let stopped = false;
  const sender = new Sender({
    log,
    of,
    spool,
    transport,
    watermarks,
    stallMs,
    onSettled(batches, deadLettered) {
      options.onCounted(batches.reduce((sum, batch) => sum + batch.events, 0) - deadLettered);
      alarm.ring();
    },
  });

  /** Nothing is read before SQL has said how far it was committed: what is known to be counted is not sent again. */
  const catchUp = async (): Promise<void> => {
    const backoff = createBackoff(100, 5_000);
    while (!stopped) {
      try {
        await sender.catchUp();
        return;
      } catch (error) {
        tell.retry(() => ({ log, what: 'watermark', error }));
        await alarm.sleep(backoff.next());
      }
    }
  };

  const drain = async (): Promise<'drained' | 'stopped'> => {
    const { bytes } = spool;
    if (bytes > 0) await catchUp();
    await spool.trim(sender.watermark);
    sender.start();
    while (!stopped && (spool.unread > 0 || sender.inFlight > 0)) {
      await alarm.sleep(250);
      await spool.trim(sender.watermark);
    }
    await sender.stop();
    if (stopped) return 'stopped';
    await spool.empty();
    lock.release({ remove: true });
    await rmdir(spool.directory).catch(() => undefined);
    tell.adopted(() => ({ log, ...of, stage: 'drained', bytes, damagedBytes: spool.damagedBytes }));
    return 'drained';
  };

  const done = drain()
    .catch(async (error: unknown) => {
      tell.retry(() => ({ log, what: 'adopt', error }));
      await sender.stop();
      return 'failed' as const;
    })
    .finally(() => lock.release());
  return {
    done,
    stop() {
      stopped = true;
      alarm.ring();
    },
  };
}
