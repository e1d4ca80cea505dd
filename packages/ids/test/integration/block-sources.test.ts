import { fencedBlocks, redisBlocks } from '@spillway/ids/redis';
import { sqlBlocks } from '@spillway/ids/sql';
import { blockSourceSuite } from '@spillway/ids/testing';
import { connectRedis } from '@spillway/redis';
import { inject } from 'vitest';
import { openPostgres, openSqlite } from '../open-database.ts';

const capabilities = { remembers: true, sequences: true };

/** Keys of one's own in the shared Redis. */
let prefixes = 0;
const link = () => connectRedis({ url: inject('redisUrl'), deadline: '2s' });
const ownPrefix = () => `ids-suite-${process.pid}-${Date.now()}-${prefixes++}`;

const databases = {
  PostgreSQL: () => openPostgres(inject('postgresUrl')),
  SQLite: () => openSqlite(),
};

for (const [name, open] of Object.entries(databases)) {
  blockSourceSuite({
    name,
    capabilities,
    create: async () => {
      const { sql, close } = await open();
      return { instance: (sequence) => sqlBlocks({ sql, sequence }), close };
    },
  });

  blockSourceSuite({
    name: `Redis, confirmed by ${name}`,
    capabilities,
    create: async () => {
      const { sql, close } = await open();
      const [redis, prefix] = [link(), ownPrefix()];
      await redis.ready({ timeout: '30s' });
      return {
        instance: (sequence) => fencedBlocks({ link: redis, sql, sequence, prefix }),
        close: async () => void (await Promise.all([redis.close(), close()])),
      };
    },
  });

  blockSourceSuite({
    name: `${name}, with a Redis that was never there`,
    capabilities,
    create: async () => {
      const { sql, close } = await open();
      const redis = connectRedis({ url: 'redis://127.0.0.1:1' });
      return {
        instance: (sequence) => fencedBlocks({ link: redis, sql, sequence }),
        close: async () => void (await Promise.all([redis.close(), close()])),
      };
    },
  });
}

blockSourceSuite({
  name: 'Redis alone',
  capabilities,
  create: async () => {
    const [redis, prefix] = [link(), ownPrefix()];
    await redis.ready({ timeout: '30s' });
    return { instance: (sequence) => redisBlocks({ link: redis, sequence, prefix }), close: () => redis.close() };
  },
});
