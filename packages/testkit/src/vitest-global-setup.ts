import type { TestProject } from 'vitest/node';
import { type PostgresServer, startPostgres } from './postgres/postgres-server.ts';
import { type RedisServer, startRedis } from './redis/redis-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** One Redis for the whole run, without persistence. Shared: take keys of your own, never flush it, never stop it. */
    readonly redisUrl: string;
    /** One PostgreSQL for the whole run, not durable. Shared: take a database of your own with `createDatabaseIn(url)`. */
    readonly postgresUrl: string;
  }
}

interface Shared {
  users: number;
  readonly servers: Promise<[RedisServer, PostgresServer]>;
}

// On the global object: every Vitest project loads its own copy of this module, and all share one pair of servers.
const holder = globalThis as { [key: symbol]: Shared | undefined };
const KEY = Symbol.for('spillway.testkit.shared-servers');

/** Vitest `globalSetup`: starts the servers that tests share, and returns how to stop them. */
export default async function sharedServers(project: TestProject): Promise<() => Promise<void>> {
  holder[KEY] ??= { users: 0, servers: startBoth() };
  const shared = holder[KEY];
  shared.users++;
  const [redis, postgres] = await shared.servers;
  project.provide('redisUrl', redis.url);
  project.provide('postgresUrl', postgres.url);
  return async () => {
    shared.users--;
    if (shared.users > 0) return;
    holder[KEY] = undefined;
    await Promise.all([redis.close(), postgres.close()]);
  };
}

async function startBoth(): Promise<[RedisServer, PostgresServer]> {
  const [redis, postgres] = await Promise.allSettled([
    startRedis({ config: { 'maxmemory-policy': 'noeviction' } }),
    startPostgres({ fast: true, config: { max_connections: '400' } }),
  ]);
  if (redis.status === 'fulfilled' && postgres.status === 'fulfilled') return [redis.value, postgres.value];
  const failures: unknown[] = [];
  for (const start of [redis, postgres]) {
    if (start.status === 'fulfilled') await start.value.close();
    else failures.push(start.reason);
  }
  throw failures.length === 1 ? failures[0] : new AggregateError(failures, failures.map(String).join('\n'));
}
