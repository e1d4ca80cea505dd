import type { SqlRunner } from '@spillway/kernel';
import { build, execute } from '../sql/builder.ts';
import { createApiKey, hashApiKey, hintOf } from './api-key.ts';
import { ADMIN } from './scopes.ts';

/**
 * Makes the admin key where there is none; returns it then, for the one time that it is shown. Of instances that start at
 * once, one makes it.
 */
export async function makeFirstAdminKey(sql: SqlRunner): Promise<string | undefined> {
  const key = createApiKey();
  const row = {
    id: ADMIN.id,
    name: 'admin',
    hash: hashApiKey(key),
    hint: hintOf(key),
    scopes: JSON.stringify([...ADMIN.scopes]),
    created_at: Date.now(),
    expires_at: null,
  };
  const insert = build
    .insertInto('api_keys')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doNothing());
  return (await execute(sql, insert)).rowCount === 1 ? key : undefined;
}
