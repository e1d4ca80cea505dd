import type { EventTransport } from '@spillway/events';
import type { Foundation } from '../foundation/foundation.ts';

/** The name of the log of clicks: of its spools, stream, watermarks and metrics. */
export const CLICK_LOG = 'clicks';

/** What carries the batches of a log: Redis Streams, else a queue in PostgreSQL, else this process. */
export async function openTransport(
  { config, database, redis, neighbours }: Foundation,
  log: string,
): Promise<EventTransport> {
  if (config.database.kind === 'sqlite') {
    const { memoryTransport } = await import('@spillway/events/memory');
    return memoryTransport();
  }
  if (redis !== undefined) {
    const { redisTransport } = await import('@spillway/events/redis');
    return redisTransport({ link: redis.main, stream: log, prefix: config.prefix });
  }
  const { sqlTransport } = await import('@spillway/events/sql');
  const { bus } = neighbours;
  return sqlTransport({ sql: database.sql, queue: log, ...(bus === undefined ? {} : { bus }) });
}
