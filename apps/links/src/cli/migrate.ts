import { parseConfig } from '../config.ts';
import { openDatabase } from '../sql/database.ts';
import { allMigrations } from '../sql/migrations.ts';
import { EXIT } from './failure.ts';

/** Brings the schema up to date. Instances that start meanwhile wait for it. */
export async function migrateDatabase(): Promise<number> {
  const config = parseConfig(process.env);
  const database = await openDatabase(config);
  try {
    const applied = await database.migrate(await allMigrations());
    console.log(applied.length === 0 ? 'Nothing to do: the database is up to date.' : `Applied ${applied.join(', ')}.`);
    return EXIT.done;
  } finally {
    await database.close();
  }
}
