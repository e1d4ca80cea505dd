import { type Duration, toMs } from '@spillway/kernel';
import { createKeys, type RedisLink } from '@spillway/redis';
import { committedListeners } from '../committed-listeners.ts';
import type { EventTransport } from '../transport.ts';
import { openStreamReceiver } from './stream-receiver.ts';
import { missingScript } from './stream-scripts.ts';

export interface RedisTransportOptions {
  /** Lent: closed by whoever opened it. Its Redis should run with `maxmemory-policy noeviction`. */
  readonly link: RedisLink;
  /** The stream's name; one per log. */
  readonly stream: string;
  /** In front of the key. Default `"spillway"`. */
  readonly prefix?: string;
  /** After how long a consumer's unacknowledged batches go to another one. Default `"15s"`. */
  readonly claimAfter?: Duration;
}

/**
 * A batch is large and nobody waits for it: more time than for other commands, so that fewer that did arrive are taken for
 * lost. The link's breaker still sees a hung Redis by its own probes.
 */
const SEND_DEADLINE_MS = 1_000;

/** Batches as entries of one Redis stream, one each, read by one consumer group. Needs nothing of Redis's persistence. */
export function redisTransport(options: RedisTransportOptions): EventTransport {
  const { link, stream, prefix = 'spillway' } = options;
  const claimAfterMs = toMs(options.claimAfter ?? '15s');
  const key = createKeys({ prefix, package: 'events', version: 1 })(stream);
  const committed = committedListeners();
  return {
    // Written in one go, on one connection: they arrive in order.
    send: (parcels) =>
      Promise.all(
        parcels.map(({ floor, frame }) =>
          link.command<string>('XADD', [key, '*', 'f', floor, 'b', frame], { deadlineMs: SEND_DEADLINE_MS }),
        ),
      ),
    async missing(receipts) {
      return new Set(await link.run(missingScript, { stream: key, ids: receipts }, { deadlineMs: SEND_DEADLINE_MS }));
    },
    receive: ({ log, consumer }) => openStreamReceiver({ link, key, group: log, consumer, claimAfterMs, committed }),
    onCommitted: committed.add,
    async close() {},
  };
}
