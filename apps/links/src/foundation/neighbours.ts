import { setTimeout } from 'node:timers/promises';
import type { Bus, Presence } from '@spillway/kernel';
import type { BeatingPresence } from '@spillway/redis';
import type { Config } from '../config.ts';
import type { Database } from '../sql/database.ts';
import type { RedisLinks } from './redis-links.ts';

/** What an instance knows of the others. */
export interface Neighbours {
  /** Undefined when there is only ever one. */
  readonly bus: Bus | undefined;
  readonly presence: Presence;
  /** Resolves once this instance has counted the others and told them to count it, or could not: it delays a start by little. */
  readonly met: Promise<void>;
  close(): Promise<void>;
}

/** Who only counts clicks has no share of the limits: it is not counted among those who serve. */
export type Duty = 'serves' | 'counts';

export interface NeighboursOptions {
  readonly config: Config;
  readonly instance: string;
  readonly duty: Duty;
  readonly database: Database;
  readonly redis: RedisLinks | undefined;
}

const UNCOUNTED: Presence = { instances: 1, close: async () => undefined };

/** Over Redis where there is one, else over PostgreSQL; alone with SQLite. */
export async function meetNeighbours(options: NeighboursOptions): Promise<Neighbours> {
  const { config, instance, duty, database, redis } = options;
  if (config.database.kind === 'sqlite') {
    return { bus: undefined, presence: UNCOUNTED, met: Promise.resolve(), close: async () => undefined };
  }
  const { prefix } = config;
  const expected = config.expectedInstances * config.workers;
  if (redis !== undefined) {
    const { redisBus, redisPresence } = await import('@spillway/redis');
    const bus = redisBus(redis.main, { instance, prefix });
    return duty === 'counts' ? uncounted(bus) : counted(bus, redisPresence(redis.main, { instance, expected, prefix }));
  }
  const [{ notifyBus, postgresPresence }, { default: pg }] = await Promise.all([
    import('@spillway/redis/postgres'),
    import('pg'),
  ]);
  const { url, timeoutMs } = config.database;
  const connect = async () => {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'spillway-bus',
      connectionTimeoutMillis: timeoutMs,
      keepAlive: true,
    });
    // Before `connect`: a connection that breaks on the way would end the process without it.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const bus = notifyBus({ connect, instance, prefix });
  return duty === 'counts' ? uncounted(bus) : counted(bus, postgresPresence({ sql: database.sql, instance, expected }));
}

const uncounted = (bus: Bus): Neighbours => ({
  bus,
  presence: UNCOUNTED,
  met: Promise.resolve(),
  close: () => bus.close(),
});

const TOPIC = 'presence';

/** Who comes says so: the others count anew at once, since until then their shares of the limits are too large. */
function counted(bus: Bus, presence: BeatingPresence): Neighbours {
  const stop = bus.subscribe(TOPIC, () => void presence.refresh());
  const meet = async () => {
    // Listening first: whoever comes after the count is heard, and whoever came before is in it.
    await isLive(bus);
    await presence.refresh();
    bus.publish(TOPIC, 'joined');
  };
  return {
    bus,
    presence,
    met: meet(),
    async close() {
      stop();
      await Promise.all([presence.close(), bus.close()]);
    },
  };
}

const PATIENCE_MS = 500;

async function isLive(bus: Bus): Promise<void> {
  const sinceMs = performance.now();
  while (!bus.live && performance.now() - sinceMs < PATIENCE_MS) await setTimeout(10);
}
