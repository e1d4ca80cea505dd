import type { Migration } from '@spillway/kernel';

// What both databases understand alike. SQLite's types are hints; BIGINT is an integer there too. Text is compared byte by byte
// on both: SQLite does so anyway, PostgreSQL is told.
const both = (...statements: string[]) => ({
  postgres: statements.map((statement) => statement.replaceAll(/\bBYTEWISE\b/g, 'TEXT COLLATE "C"')),
  sqlite: statements.map((statement) => statement.replaceAll(/\bBYTEWISE\b/g, 'TEXT')),
});

const links = `CREATE TABLE links (
  id BIGINT PRIMARY KEY,
  domain_id INTEGER NOT NULL REFERENCES domains (id),
  code BYTEWISE NOT NULL,
  generated SMALLINT NOT NULL,
  url TEXT NOT NULL,
  title TEXT,
  status SMALLINT NOT NULL,
  tags TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  expires_at BIGINT,
  max_clicks BIGINT,
  used_clicks BIGINT NOT NULL,
  password_hash TEXT,
  created_by TEXT,
  search TEXT NOT NULL
)`;

/** The tables of links and keys. Never edited once released: a change is a new entry. */
export const linkMigrations: readonly Migration[] = [
  {
    id: 'links-001-domains',
    up: both(
      'CREATE TABLE domains (id INTEGER PRIMARY KEY, host TEXT NOT NULL UNIQUE, created_at BIGINT NOT NULL)',
      "INSERT INTO domains (id, host, created_at) VALUES (1, '', 0)",
    ),
  },
  {
    id: 'links-002-links',
    up: both(
      links,
      'CREATE UNIQUE INDEX links_code ON links (domain_id, code)',
      // Two generated codes never meet, whatever their domains.
      'CREATE UNIQUE INDEX links_generated_code ON links (code) WHERE generated = 1',
      'CREATE INDEX links_created ON links (created_at, id)',
      'CREATE TABLE link_tags (tag BYTEWISE NOT NULL, link_id BIGINT NOT NULL REFERENCES links (id) ON DELETE CASCADE, PRIMARY KEY (tag, link_id))',
      'CREATE INDEX link_tags_link ON link_tags (link_id)',
    ),
  },
  {
    id: 'links-003-changes',
    up: {
      postgres: [
        'CREATE TABLE changes (seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key TEXT NOT NULL, changed_at BIGINT NOT NULL)',
      ],
      sqlite: [
        'CREATE TABLE changes (seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, changed_at BIGINT NOT NULL)',
      ],
    },
  },
  {
    id: 'links-004-keys',
    up: both(
      'CREATE TABLE api_keys (id TEXT PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, hint TEXT NOT NULL, scopes TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT)',
    ),
  },
  {
    id: 'links-005-idempotency',
    up: both(
      'CREATE TABLE idempotency_keys (owner BYTEWISE NOT NULL, key BYTEWISE NOT NULL, request TEXT NOT NULL, link_id BIGINT NOT NULL, created_at BIGINT NOT NULL, PRIMARY KEY (owner, key))',
      'CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at)',
    ),
  },
  {
    id: 'links-006-settings',
    up: both('CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)'),
  },
  {
    id: 'links-007-key-plans',
    up: both('ALTER TABLE api_keys ADD COLUMN plan TEXT', 'ALTER TABLE api_keys ADD COLUMN limits TEXT'),
  },
  {
    id: 'links-008-plans',
    up: both('CREATE TABLE plans (name BYTEWISE PRIMARY KEY, definition TEXT NOT NULL, updated_at BIGINT NOT NULL)'),
  },
];
