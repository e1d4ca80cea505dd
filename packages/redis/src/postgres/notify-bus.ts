import { randomUUID } from 'node:crypto';
import { type Bus, ConfigurationError, type Random } from '@spillway/kernel';
import { createBus } from '../bus/create-bus.ts';
import type { NotifyClient } from './notify-client.ts';
import { notifyTransport } from './notify-transport.ts';

export interface NotifyBusOptions {
  /**
   * Connects a client for the bus alone: `async () => { const client = new pg.Client(url); await client.connect(); return client; }`.
   * Called again after each loss. Not through a pooler in transaction mode: LISTEN needs a session.
   */
  readonly connect: () => Promise<NotifyClient>;
  /** This instance's name, for metrics. */
  readonly instance: string;
  /** Instances that hear each other share it. Default: `"spillway"`. */
  readonly prefix?: string;
  /** For the jitter of reconnects. Default: `Math.random`. */
  readonly random?: Random;
}

/** The bus over PostgreSQL's LISTEN and NOTIFY, for instances without a Redis. */
export function notifyBus(options: NotifyBusOptions): Bus {
  const prefix = options.prefix ?? 'spillway';
  // A channel is an SQL identifier of 63 bytes at most; LISTEN takes no parameter.
  if (!/^[a-z_][a-z0-9_]{0,49}$/.test(prefix)) {
    throw new ConfigurationError(
      `The prefix of a bus is up to 50 of a-z, 0-9 and "_", no digit first; got ${JSON.stringify(prefix)}`,
    );
  }
  return createBus({
    instance: options.instance,
    transport: notifyTransport({
      connect: options.connect,
      channel: `${prefix}_bus_v1`,
      sender: randomUUID(),
      random: options.random ?? Math.random,
    }),
  });
}
