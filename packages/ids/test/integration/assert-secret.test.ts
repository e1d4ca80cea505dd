import { SecretMismatchError } from '@spillway/ids';
import { assertSecret, hasSecret } from '@spillway/ids/sql';
import { ConfigurationError } from '@spillway/kernel';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { type OpenDatabase, openPostgres, openSqlite } from '../open-database.ts';

const one = 'the first secret of them all';
const other = 'another secret altogether';

describe.each([
  ['PostgreSQL', () => openPostgres(inject('postgresUrl'))],
  ['SQLite', () => openSqlite()],
])('the secret of a database in %s', (_, open) => {
  let database: OpenDatabase;
  beforeEach(async () => {
    database = await open();
  });
  afterEach(() => database.close());

  test('is fixed by the first start, and another one is refused with a remedy', async () => {
    const { sql } = database;
    expect(await hasSecret({ sql })).toBe(false);
    await assertSecret({ sql, secret: one });
    expect(await hasSecret({ sql })).toBe(true);
    expect(await hasSecret({ sql, name: 'visitors' })).toBe(false);
    await assertSecret({ sql, secret: one });
    const refused = await assertSecret({ sql, secret: other }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(SecretMismatchError);
    expect(refused).toMatchObject({ code: 'SPILLWAY_SECRET_MISMATCH', retryable: false });
    expect(String(refused)).toMatch(/Start with the first secret/);
    expect(String(refused)).not.toContain(other);
    await assertSecret({ sql, secret: one });
  });

  test('is fixed for each purpose by itself', async () => {
    const { sql } = database;
    await assertSecret({ sql, secret: one, name: 'links' });
    await assertSecret({ sql, secret: other, name: 'visitors' });
    await expect(assertSecret({ sql, secret: other, name: 'links' })).rejects.toThrow(/"links"/);
  });

  test('is that of exactly one, when instances with two secrets start at the same time', async () => {
    const { sql } = database;
    for (let round = 0; round < 20; round++) {
      const name = `round ${round}`;
      const secrets = [one, other, one, other];
      const starts = await Promise.allSettled(secrets.map((secret) => assertSecret({ sql, secret, name })));
      const winners = new Set(secrets.filter((_, index) => starts[index]?.status === 'fulfilled'));
      expect(winners.size).toBe(1);
      expect(starts.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    }
  });

  test('does not stand in the database, nor do two databases or purposes show that they share it', async () => {
    const { sql } = database;
    await assertSecret({ sql, secret: one, name: 'a' });
    await assertSecret({ sql, secret: one, name: 'b' });
    const { rows } = await sql.query<{ check_value: string }>('SELECT check_value FROM id_secrets');
    expect(new Set(rows.map((row) => row.check_value)).size).toBe(2);
    expect(JSON.stringify(rows)).not.toContain(one);
  });

  test('has 16 characters or more', async () => {
    await expect(assertSecret({ sql: database.sql, secret: 'short' })).rejects.toThrow(ConfigurationError);
  });
});
