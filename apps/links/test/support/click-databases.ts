import { randomUUID } from 'node:crypto';
import type { Migration, SqlDialect } from '@spillway/kernel';
import { createDatabaseIn, temporaryDirectory } from '@spillway/testkit';
import { clickMigrations } from '../../src/clicks/migrations.ts';
import { type Database, openDatabase } from '../../src/sql/database.ts';

export interface ClickDatabase extends AsyncDisposable {
  readonly database: Database;
}

/** An empty database with the tables of clicks, or those of `migrations`: a file of its own, or a database of its own on the shared PostgreSQL. */
export async function openClickDatabase(
  dialect: SqlDialect,
  postgresUrl: string,
  migrations: readonly Migration[] = clickMigrations,
): Promise<ClickDatabase> {
  const directory = temporaryDirectory({ name: `clicks-${randomUUID()}` });
  const made = dialect === 'postgres' ? await createDatabaseIn(postgresUrl) : undefined;
  const database = await openDatabase({
    dataDir: directory.path,
    database:
      made === undefined ? { kind: 'sqlite' } : { kind: 'postgres', url: made.url, pool: 10, timeoutMs: 10_000 },
  });
  await database.migrate(migrations);
  return {
    database,
    async [Symbol.asyncDispose]() {
      await database.close();
      await made?.drop();
      await directory.close();
    },
  };
}
