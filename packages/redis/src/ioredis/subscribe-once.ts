import type { Redis } from 'ioredis';
import type { SubscriptionEvents } from '../link/topology.ts';

/** Subscribes over a client that is ours, lazy and does not reconnect. */
export function subscribeWith(client: Redis, channel: string, events: SubscriptionEvents): () => void {
  let lastError: unknown;
  client.on('error', (error) => {
    lastError = error;
  });
  client.on('ready', () => {
    client.subscribe(channel).then(
      () => events.whole(),
      (error) => {
        lastError = error;
        close();
      },
    );
  });
  client.on('message', (_channel, payload) => events.message(payload));
  client.on('close', () => events.ended(lastError));
  client.connect().catch((error) => {
    lastError = error;
  });
  const close = () => {
    client.disconnect();
    client.stream?.destroy();
  };
  return close;
}
