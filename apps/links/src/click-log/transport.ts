import type { EventTransport } from '@spillway/events';
import type { Foundation } from '../foundation/foundation.ts';

/** The name of the log of clicks: of its spools, stream, watermarks and metrics. */
export const CLICK_LOG = 'clicks';

/** Redis Streams, else a queue in PostgreSQL, else this process. */
export async function openClickTransport({ config, database, redis, neighbours }: Foundation): Promise<EventTransport> {
  if (config.database.kind === 'sqlite') {
    const { memoryTransport } = await import('@spillway/events/memory');
    return memoryTransport();
  }
  if (redis !== undefined) {
    const { redisTransport } = await import('@spillway/events/redis');
    return redisTransport({ link: redis.main, stream: CLICK_LOG, prefix: config.prefix });
  }
  const { sqlTransport } = await import('@spillway/events/sql');
  const { bus } = neighbours;
  return sqlTransport({ sql: database.sql, queue: CLICK_LOG, ...(bus === undefined ? {} : { bus }) });
}
