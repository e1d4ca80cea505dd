import { monotonicClock } from '@spillway/kernel';
import { type RedisLink, RedisReplyError } from '@spillway/redis';
import type { CommittedListeners } from '../committed-listeners.ts';
import type { Delivery, EventReceiver } from '../transport.ts';
import { doneScript, tidyScript } from './stream-scripts.ts';

export interface StreamReceiverOptions {
  readonly link: RedisLink;
  readonly key: string;
  readonly group: string;
  readonly consumer: string;
  readonly claimAfterMs: number;
  readonly committed: CommittedListeners;
}

/** How much longer than a blocking read may block its answer is waited for. */
const ANSWER_MS = 2_000;
const DONE_DEADLINE_MS = 1_000;
/** Lua takes a few thousand arguments at a time. */
const IDS_PER_CALL = 1_000;
const TIDY_EVERY_MS = 60_000;
/** A live consumer reads every second or so: one not seen for an hour is gone. */
const CONSUMER_IDLE_MS = 3_600_000;

type RawEntry = readonly [id: Buffer, fields: readonly Buffer[] | null];

/** One consumer of the group, on a connection of its own, since its reads block. */
export function openStreamReceiver(options: StreamReceiverOptions): EventReceiver {
  const { link, key, group, consumer, claimAfterMs, committed } = options;
  const connection = link.dedicated();
  let claimAtMs = 0;
  let claimFrom = '0-0';
  let tidyAtMs = nowMs() + TIDY_EVERY_MS;

  /** Runs `read`, and once more after making the group if the stream knows none: a Redis that forgot. */
  const withGroup = async <Reply>(read: () => Promise<Reply>): Promise<Reply> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof RedisReplyError) || error.reply !== 'NOGROUP') throw error;
      // From 0: whatever stands in the stream was not delivered to a group that did not exist.
      await connection.command('XGROUP', ['CREATE', key, group, '0', 'MKSTREAM']).catch(ignoreBusyGroup);
      return await read();
    }
  };

  /** Entries that a consumer, perhaps this one in an earlier life, took and did not finish. */
  const claim = async (maxBatches: number): Promise<Delivery[]> => {
    if (nowMs() < claimAtMs) return [];
    const args = [key, group, consumer, claimAfterMs, claimFrom, 'COUNT', maxBatches];
    const [next, entries] = await withGroup(() =>
      connection.command<[Buffer, RawEntry[]]>('XAUTOCLAIM', args, { binary: true, deadlineMs: ANSWER_MS }),
    );
    claimFrom = next.toString();
    if (claimFrom === '0-0') claimAtMs = nowMs() + claimAfterMs / 3;
    return toDeliveries(entries);
  };

  const tidy = async (): Promise<void> => {
    if (nowMs() < tidyAtMs) return;
    tidyAtMs = nowMs() + TIDY_EVERY_MS;
    await link.run(tidyScript, { stream: key, group, idleMs: CONSUMER_IDLE_MS }, { deadlineMs: DONE_DEADLINE_MS });
  };

  return {
    async next({ maxBatches, waitMs, signal }) {
      await tidy();
      const claimed = await claim(maxBatches);
      if (claimed.length > 0 || signal.aborted) return claimed;
      const block = Math.max(1, Math.ceil(waitMs));
      const args = ['GROUP', group, consumer, 'COUNT', maxBatches, 'BLOCK', block, 'STREAMS', key, '>'];
      const reply = await withGroup(() =>
        connection.command<[Buffer, RawEntry[]][] | null>('XREADGROUP', args, {
          binary: true,
          deadlineMs: block + ANSWER_MS,
        }),
      );
      return toDeliveries(reply?.[0]?.[1] ?? []);
    },
    async done(deliveries, watermarks) {
      committed.tell(watermarks);
      for (let at = 0; at < deliveries.length; at += IDS_PER_CALL) {
        const ids = deliveries.slice(at, at + IDS_PER_CALL).map(({ receipt }) => receipt);
        await link.run(doneScript, { stream: key, group, ids }, { deadlineMs: DONE_DEADLINE_MS });
      }
    },
    close: () => connection.close(),
  };
}

const nowMs = (): number => monotonicClock.nowUs() / 1000;

function ignoreBusyGroup(error: unknown): void {
  // Another consumer made it first.
  if (!(error instanceof RedisReplyError) || error.reply !== 'BUSYGROUP') throw error;
}

function toDeliveries(entries: readonly RawEntry[]): Delivery[] {
  return entries.map(([id, fields]) => {
    const values = new Map<string, Buffer>();
    for (let at = 0; at + 1 < (fields?.length ?? 0); at += 2) {
      const [name, value] = [fields?.[at], fields?.[at + 1]];
      if (name !== undefined && value !== undefined) values.set(name.toString(), value);
    }
    // What is no batch of ours has no frame, so the sink drops it.
    return {
      receipt: id.toString(),
      floor: Number(values.get('f')?.toString() ?? 0) || 0,
      frame: values.get('b') ?? Buffer.alloc(0),
    };
  });
}
