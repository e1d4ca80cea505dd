import type { Migration, SqlRunner } from '@spillway/kernel';
import { type BeatingPresence, keepBeating, type PresenceOptions, SILENT_MS } from '../presence/heartbeat.ts';

/** The table of the living. It belongs to this package; the app runs it with its own migrations. */
export const presenceMigrations: Migration[] = [
  {
    id: 'redis-001-presence',
    up: {
      postgres: [
        // Unlogged: after a crash of the database everybody beats again anyway.
        `CREATE UNLOGGED TABLE spillway_instances (
           instance text PRIMARY KEY,
           seen_at timestamptz NOT NULL
         )`,
      ],
      sqlite: [],
    },
  },
];

export interface PostgresPresenceOptions extends PresenceOptions {
  readonly sql: SqlRunner;
}

// One statement, on the server's clock. The rows it writes are not yet seen by the count: this instance is added.
const BEAT = `
  WITH beat AS (
    INSERT INTO spillway_instances (instance, seen_at) VALUES ($1, clock_timestamp())
    ON CONFLICT (instance) DO UPDATE SET seen_at = excluded.seen_at
  ), gone AS (
    DELETE FROM spillway_instances
    WHERE instance <> $1 AND abs(extract(epoch FROM clock_timestamp() - seen_at)) * 1000 > $2
  )
  SELECT 1 + count(*)::int AS instances FROM spillway_instances
  WHERE instance <> $1 AND abs(extract(epoch FROM clock_timestamp() - seen_at)) * 1000 <= $2`;

/** The living instances, by a heartbeat into PostgreSQL. */
export function postgresPresence({ sql, ...options }: PostgresPresenceOptions): BeatingPresence {
  return keepBeating(options, {
    beat: async () => {
      const { rows } = await sql.query<{ instances: number }>(BEAT, [options.instance, SILENT_MS]);
      return Number(rows[0]?.instances);
    },
    leave: () => sql.query('DELETE FROM spillway_instances WHERE instance = $1', [options.instance]),
  });
}
