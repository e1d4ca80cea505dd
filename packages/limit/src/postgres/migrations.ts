import type { Migration } from '@spillway/kernel';
import { limitFunctions } from './functions.sql.ts';
import { handOverFunctions } from './hand-over.sql.ts';

/**
 * One row for each subject and policy, and one for each id that was charged (policy '').
 *
 * UNLOGGED: it starts anew after a crash of the server, as any store of limits that loses its memory, and a take waits for no disk.
 * Nothing that a take changes has an index, and each page has room, so that they stay in their page.
 *
 * A process that runs on SQLite is alone: its limits live in memory.
 */
export const limitMigrations: readonly Migration[] = [
  {
    id: 'limit-001-states',
    up: {
      postgres: [
        `CREATE UNLOGGED TABLE limit_states (
          subject bytea NOT NULL, policy text NOT NULL,
          kind smallint NOT NULL, at_us bigint NOT NULL, n bigint NOT NULL,
          blocked_until_us bigint NOT NULL, end_us bigint NOT NULL,
          PRIMARY KEY (subject, policy)
        ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)`,
        ...limitFunctions,
      ],
      sqlite: [],
    },
  },
  { id: 'limit-002-hand-over', up: { postgres: handOverFunctions, sqlite: [] } },
];
