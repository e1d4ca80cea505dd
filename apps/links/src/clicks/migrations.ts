import type { Migration } from '@spillway/kernel';

/**
 * The tables of clicks. Times are milliseconds since the Unix epoch, hours are hours since it; no foreign key to links, since
 * a click is written long after its redirect and must not fail for a link that went meanwhile.
 *
 * - `clicks`: one row per click; partitioned by day on PostgreSQL (`partitions.ts`). `id` only tells clicks of one millisecond
 *   apart; PostgreSQL makes it from the number of the batch (`postgres-writer.ts`).
 * - `click_hours`, `click_totals`: per link. Upserted once per batch, in the order of their keys.
 * - `click_service_hours`: the whole service per hour, spread over shards so that no row is everybody's (`roll-up.ts`).
 */
export const clickMigrations: readonly Migration[] = [
  {
    id: 'links-clicks-001-clicks',
    up: {
      postgres: [
        'CREATE SEQUENCE click_batches AS BIGINT',
        `CREATE TABLE clicks (
          at BIGINT NOT NULL,
          link_id BIGINT NOT NULL,
          id BIGINT NOT NULL,
          visitor BIGINT NOT NULL,
          bot SMALLINT NOT NULL,
          country TEXT COLLATE "C" NOT NULL,
          browser TEXT COLLATE "C" NOT NULL,
          system TEXT COLLATE "C" NOT NULL,
          device TEXT COLLATE "C" NOT NULL,
          referrer TEXT COLLATE "C" NOT NULL
        ) PARTITION BY RANGE (at)`,
        'CREATE INDEX clicks_by_link ON clicks (link_id, at)',
        `CREATE TABLE click_hours (
          link_id BIGINT NOT NULL, hour INTEGER NOT NULL, clicks BIGINT NOT NULL, bots BIGINT NOT NULL,
          PRIMARY KEY (link_id, hour)
        ) WITH (fillfactor = 80)`,
        `CREATE TABLE click_totals (
          link_id BIGINT PRIMARY KEY, clicks BIGINT NOT NULL, bots BIGINT NOT NULL
        ) WITH (fillfactor = 80)`,
        `CREATE TABLE click_service_hours (
          hour INTEGER NOT NULL, shard SMALLINT NOT NULL, clicks BIGINT NOT NULL, bots BIGINT NOT NULL,
          PRIMARY KEY (hour, shard)
        ) WITH (fillfactor = 50)`,
      ],
      sqlite: [
        `CREATE TABLE clicks (
          id INTEGER PRIMARY KEY,
          at INTEGER NOT NULL,
          link_id INTEGER NOT NULL,
          visitor INTEGER NOT NULL,
          bot INTEGER NOT NULL,
          country TEXT NOT NULL,
          browser TEXT NOT NULL,
          system TEXT NOT NULL,
          device TEXT NOT NULL,
          referrer TEXT NOT NULL
        )`,
        'CREATE INDEX clicks_by_link ON clicks (link_id, at)',
        'CREATE INDEX clicks_by_time ON clicks (at)',
        `CREATE TABLE click_hours (
          link_id INTEGER NOT NULL, hour INTEGER NOT NULL, clicks INTEGER NOT NULL, bots INTEGER NOT NULL,
          PRIMARY KEY (link_id, hour)
        ) WITHOUT ROWID`,
        'CREATE TABLE click_totals (link_id INTEGER PRIMARY KEY, clicks INTEGER NOT NULL, bots INTEGER NOT NULL)',
        `CREATE TABLE click_service_hours (
          hour INTEGER NOT NULL, shard INTEGER NOT NULL, clicks INTEGER NOT NULL, bots INTEGER NOT NULL,
          PRIMARY KEY (hour, shard)
        ) WITHOUT ROWID`,
      ],
    },
  },
];
