import type { Migration } from '@spillway/kernel';

/**
 * `id_blocks` is the fence: its primary key lets a block be confirmed once. `id_sequences.floor` closes everything up to it
 * after a restore (`stepOver`). One row per block, 10,000 ids: a thousand million ids make 100,000 rows.
 */
export const idMigrations: readonly Migration[] = [
  {
    id: 'ids-001-blocks',
    up: {
      postgres: [
        `CREATE TABLE id_sequences (
          name text PRIMARY KEY,
          block_size bigint NOT NULL CHECK (block_size >= 1),
          floor bigint NOT NULL DEFAULT 0 CHECK (floor >= 0)
        )`,
        `CREATE TABLE id_blocks (
          sequence text NOT NULL REFERENCES id_sequences (name),
          number bigint NOT NULL CHECK (number >= 1),
          proposed_by text NOT NULL,
          taken_at timestamptz NOT NULL DEFAULT now(),
          PRIMARY KEY (sequence, number)
        )`,
        `CREATE TABLE id_secrets (
          name text PRIMARY KEY,
          check_value text NOT NULL
        )`,
      ],
      sqlite: [
        `CREATE TABLE id_sequences (
          name TEXT PRIMARY KEY,
          block_size INTEGER NOT NULL CHECK (block_size >= 1),
          floor INTEGER NOT NULL DEFAULT 0 CHECK (floor >= 0)
        ) STRICT`,
        `CREATE TABLE id_blocks (
          sequence TEXT NOT NULL REFERENCES id_sequences (name),
          number INTEGER NOT NULL CHECK (number >= 1),
          proposed_by TEXT NOT NULL,
          taken_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
          PRIMARY KEY (sequence, number)
        ) STRICT, WITHOUT ROWID`,
        `CREATE TABLE id_secrets (
          name TEXT PRIMARY KEY,
          check_value TEXT NOT NULL
        ) STRICT`,
      ],
    },
  },
];
