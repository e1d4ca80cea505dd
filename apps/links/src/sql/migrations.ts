import type { Migration } from '@spillway/kernel';
import { linkMigrations } from './link-migrations.ts';

/** Every table of the service, in the order of making: the packages' own, then ours, then those of clicks. */
export async function allMigrations(): Promise<readonly Migration[]> {
  return [...linkMigrations];
}
