import type { Migration, SqlDialect } from '@spillway/kernel';

const integers: Record<SqlDialect, { readonly big: string; readonly usual: string; readonly small: string }> = {
  postgres: { big: 'BIGINT', usual: 'INTEGER', small: 'SMALLINT' },
  sqlite: { big: 'INTEGER', usual: 'INTEGER', small: 'INTEGER' },
};
const text: Record<SqlDialect, string> = { postgres: 'TEXT COLLATE "C"', sqlite: 'TEXT' };

const columns = (dialect: SqlDialect): string => {
  const { big, usual, small } = integers[dialect];
  return `
    at ${big} NOT NULL,
    client ${big} NOT NULL,
    key_id ${text[dialect]} NOT NULL,
    method ${text[dialect]} NOT NULL,
    route ${text[dialect]} NOT NULL,
    policy ${text[dialect]} NOT NULL,
    status ${small} NOT NULL,
    outcome ${small} NOT NULL,
    cost ${usual} NOT NULL,
    weight ${usual} NOT NULL`;
};

const INDEXES = [
  'CREATE INDEX requests_by_time ON requests (at, id)',
  'CREATE INDEX requests_by_client ON requests (client, at, id)',
  "CREATE INDEX requests_by_key ON requests (key_id, at, id) WHERE key_id <> ''",
];

const rollUp = (dialect: SqlDialect, name: string): string => {
  const { big, usual, small } = integers[dialect];
  const counts = ['recorded', 'requests', 'limited', 'not_found', 'unauthorized', 'refused', 'failed', 'cost'];
  return `CREATE TABLE ${name} (
    kind ${small} NOT NULL,
    step ${usual} NOT NULL,
    subject ${text[dialect]} NOT NULL,
    route ${text[dialect]} NOT NULL,
    ${counts.map((column) => `${column} ${big} NOT NULL`).join(', ')},
    PRIMARY KEY (kind, step, subject, route)
  ) ${dialect === 'postgres' ? 'WITH (fillfactor = 80)' : 'WITHOUT ROWID'}`;
};

const ADD_DENIED = ['request_minutes', 'request_hours'].map(
  (table) => `ALTER TABLE ${table} ADD COLUMN denied BIGINT NOT NULL DEFAULT 0`,
);

/**
 * The tables of the log of requests. Times are milliseconds since the Unix epoch.
 *
 * - `requests`: one row per recorded request; partitioned by day on PostgreSQL as clicks are. `outcome` is a place in `OUTCOMES`.
 * - `request_minutes`, `request_hours`: the same per key (`kind` 0) and per client (1), with the route; `step` counts minutes, or
 *   hours, since the epoch. `recorded` counts rows, everything else is weighed: a row that stands for a hundred requests counts as
 *   such.
 */
export const requestMigrations: readonly Migration[] = [
  {
    id: 'links-requests-001-requests',
    up: {
      postgres: [
        'CREATE SEQUENCE request_batches AS BIGINT',
        `CREATE TABLE requests (id BIGINT NOT NULL, ${columns('postgres')}) PARTITION BY RANGE (at)`,
        ...INDEXES,
        rollUp('postgres', 'request_minutes'),
        rollUp('postgres', 'request_hours'),
      ],
      sqlite: [
        `CREATE TABLE requests (id INTEGER PRIMARY KEY, ${columns('sqlite')})`,
        ...INDEXES,
        rollUp('sqlite', 'request_minutes'),
        rollUp('sqlite', 'request_hours'),
      ],
    },
  },
  {
    id: 'links-requests-002-denied',
    up: {
      postgres: ADD_DENIED,
      sqlite: ADD_DENIED,
    },
  },
];
