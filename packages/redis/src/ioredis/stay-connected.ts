import type { Random } from '@spillway/kernel';
import type { Redis } from 'ioredis';
import { backOffMs } from '../core/back-off.ts';

/**
 * Connects again when the client has given up for good. ioredis 6.0.0 does so, whatever its `retryStrategy` says, when a Sentinel
 * tells of a fail-over while the client is asking for the master's address.
 * @returns stops it, so that the client can be ended
 */
export function stayConnected(client: Redis, random: Random): () => void {
  let attempts = 0;
  let timer: NodeJS.Timeout | undefined;
  const onReady = () => {
    attempts = 0;
  };
  const onEnd = () => {
    attempts += 1;
    clearTimeout(timer);
    timer = setTimeout(() => client.connect().catch(() => undefined), backOffMs(attempts, random));
  };
  client.on('ready', onReady);
  client.on('end', onEnd);
  return () => {
    clearTimeout(timer);
    client.off('ready', onReady);
    client.off('end', onEnd);
  };
}
