import { parseConfig } from '../config.ts';
import { openMigratedDatabase } from '../foundation/migrated-database.ts';
import type { Database } from '../sql/database.ts';
import { EXIT } from './failure.ts';
import { integerOption } from './options.ts';

/** Brings the schema up to date. Instances that start meanwhile wait for it. */
export function migrateDatabase(): Promise<number> {
  return withDatabase(async (_, applied) => {
    console.log(applied.length === 0 ? 'Nothing to do: the database is up to date.' : `Applied ${applied.join(', ')}.`);
  });
}

/** A restored database has forgotten the ids given out since its backup: none of them may be given out again (G1). */
export function stepOverIds(_: readonly string[], options: { readonly blocks: string }): Promise<number> {
  const blocks = integerOption('blocks', options.blocks, 1, 1_000_000);
  return withDatabase(async ({ sql }) => {
    const { stepOver } = await import('@spillway/ids/sql');
    const floors = await stepOver({ sql, blocks });
    if (floors.length === 0) console.log('Nothing to step over: this database has never given out an id.');
    for (const { sequence, floor } of floors) {
      console.log(`The next block of "${sequence}" has a number above ${floor}.`);
    }
  });
}

async function withDatabase(work: (database: Database, applied: readonly string[]) => Promise<void>): Promise<number> {
  const { database, applied, close } = await openMigratedDatabase(parseConfig(process.env));
  try {
    await work(database, applied);
    return EXIT.done;
  } finally {
    await close();
  }
}
