import type { Migration } from '@spillway/kernel';
import { clickMigrations } from '../clicks/migrations.ts';
import { requestMigrations } from '../requests/migrations.ts';
import { linkMigrations } from './link-migrations.ts';

/** Every table of the service, in the order of making: the packages' own, then ours. */
export async function allMigrations(): Promise<readonly Migration[]> {
  // Loaded only to migrate or to serve, not for every command.
  const [{ idMigrations }, { eventMigrations }, { presenceMigrations }, { limitMigrations }] = await Promise.all([
    import('@spillway/ids/sql'),
    import('@spillway/events/sql'),
    import('@spillway/redis/postgres'),
    import('@spillway/limit/postgres'),
  ]);
  return [
    ...idMigrations,
    ...eventMigrations,
    ...presenceMigrations,
    ...limitMigrations,
    ...linkMigrations,
    ...clickMigrations,
    ...requestMigrations,
  ];
}
