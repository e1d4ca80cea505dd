import { StoreUnavailableError } from '@spillway/kernel';
import { createDatabaseIn } from '@spillway/testkit';
import { expect, inject, onTestFinished, test } from 'vitest';
import { openPostgres } from '../../src/sql/postgres/postgres-database.ts';

test('G4: a PostgreSQL that takes no writes is not taken for one that is away: reads go on', async () => {
  const { name, url, drop } = await createDatabaseIn(inject('postgresUrl'));
  onTestFinished(drop);
  const open = () => {
    const database = openPostgres({ kind: 'postgres', url, pool: 2, timeoutMs: 2_000 });
    onTestFinished(() => database.close());
    return database;
  };
  const { sql } = open();
  await sql.query('CREATE TABLE things (id integer)');
  // For sessions that begin from here on.
  await sql.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
  const readOnly = open();
  for (let i = 0; i < 5; i += 1) {
    await expect(readOnly.sql.query('INSERT INTO things VALUES (1)')).rejects.toThrow(StoreUnavailableError);
  }
  expect(readOnly.state).toBe('up');
  expect(await readOnly.sql.query('SELECT id FROM things')).toMatchObject({ rowCount: 0 });
});
