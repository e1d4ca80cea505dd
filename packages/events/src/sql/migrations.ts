import type { Migration } from '@spillway/kernel';

// On PostgreSQL the queue is UNLOGGED: it may forget in a crash, since the spools do not. The watermarks change with every transaction:
// the room in each page keeps those updates off the index.
export const eventMigrations: readonly Migration[] = [
  {
    id: 'events-001-watermarks',
    up: {
      postgres: [
        `CREATE TABLE event_watermarks (
          log text NOT NULL, producer text NOT NULL, epoch text NOT NULL,
          seq bigint NOT NULL DEFAULT 0, counted bigint NOT NULL DEFAULT 0, dead_lettered bigint NOT NULL DEFAULT 0,
          ahead integer NOT NULL DEFAULT 0, updated_ms bigint NOT NULL,
          PRIMARY KEY (log, producer, epoch)
        ) WITH (fillfactor = 50)`,
        `CREATE TABLE event_batches_ahead (
          log text NOT NULL, producer text NOT NULL, epoch text NOT NULL, seq bigint NOT NULL,
          counted bigint NOT NULL, dead_lettered bigint NOT NULL,
          PRIMARY KEY (log, producer, epoch, seq)
        )`,
        `CREATE TABLE event_dead_letters (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          log text NOT NULL, producer text NOT NULL, epoch text NOT NULL, seq bigint NOT NULL,
          events integer NOT NULL, reason text NOT NULL, error text NOT NULL, payload bytea, at_ms bigint NOT NULL
        )`,
        `CREATE UNLOGGED TABLE event_queue (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          queue text NOT NULL, floor bigint NOT NULL, frame bytea NOT NULL,
          taken_until timestamptz NOT NULL DEFAULT '-infinity'
        )`,
      ],
      sqlite: [
        `CREATE TABLE event_watermarks (
          log TEXT NOT NULL, producer TEXT NOT NULL, epoch TEXT NOT NULL,
          seq INTEGER NOT NULL DEFAULT 0, counted INTEGER NOT NULL DEFAULT 0, dead_lettered INTEGER NOT NULL DEFAULT 0,
          ahead INTEGER NOT NULL DEFAULT 0, updated_ms INTEGER NOT NULL,
          PRIMARY KEY (log, producer, epoch)
        ) WITHOUT ROWID`,
        `CREATE TABLE event_batches_ahead (
          log TEXT NOT NULL, producer TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
          counted INTEGER NOT NULL, dead_lettered INTEGER NOT NULL,
          PRIMARY KEY (log, producer, epoch, seq)
        ) WITHOUT ROWID`,
        `CREATE TABLE event_dead_letters (
          id INTEGER PRIMARY KEY,
          log TEXT NOT NULL, producer TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,
          events INTEGER NOT NULL, reason TEXT NOT NULL, error TEXT NOT NULL, payload BLOB, at_ms INTEGER NOT NULL
        )`,
      ],
    },
  },
];
