import type { Bus, Presence } from '@spillway/kernel';
import type { Config } from '../config.ts';
import type { Database } from '../sql/database.ts';
import type { RedisLinks } from './redis-links.ts';

/** What an instance knows of the others. */
export interface Neighbours {
  /** Undefined when there is only ever one. */
  readonly bus: Bus | undefined;
  readonly presence: Presence;
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
    return { bus: undefined, presence: UNCOUNTED, close: async () => undefined };
  }
  const { prefix } = config;
  const expected = config.expectedInstances * config.workers;
  if (redis !== undefined) {
    const { redisBus, redisPresence } = await import('@spillway/redis');
    const bus = redisBus(redis.main, { instance, prefix });
    return both(bus, duty === 'counts' ? UNCOUNTED : redisPresence(redis.main, { instance, expected, prefix }));
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
  return both(bus, duty === 'counts' ? UNCOUNTED : postgresPresence({ sql: database.sql, instance, expected }));
}

const both = (bus: Bus, presence: Presence): Neighbours => ({
  bus,
  presence,
  async close() {
    await Promise.all([presence.close(), bus.close()]);
  },
});
