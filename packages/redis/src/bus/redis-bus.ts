import type { Bus } from '@spillway/kernel';
import { createKeys } from '../core/keys.ts';
import type { RedisLink } from '../link.ts';
import { createBus } from './create-bus.ts';
import type { BusTransport } from './transport.ts';

export interface RedisBusOptions {
  /** This instance's name, for metrics. */
  readonly instance: string;
  /** Instances that hear each other share it. Default: `"spillway"`. */
  readonly prefix?: string;
}

/** The bus over Redis' pub/sub: it publishes through the link, and listens on a socket of its own. */
export function redisBus(link: Pick<RedisLink, 'command' | 'subscribe'>, options: RedisBusOptions): Bus {
  const channel = createKeys({ prefix: options.prefix ?? 'spillway', package: 'bus', version: 1 })('all');
  return createBus({ instance: options.instance, transport: redisTransport(link, channel) });
}

function redisTransport(link: Pick<RedisLink, 'command' | 'subscribe'>, channel: string): BusTransport {
  return {
    send: (frame) => {
      link.command('PUBLISH', [channel, frame]).catch(() => undefined);
    },
    listen: (listener) =>
      link.subscribe(channel, {
        message: (payload) => listener.frame(payload),
        whole: () => listener.whole(),
        broken: () => listener.broken(),
      }),
  };
}
