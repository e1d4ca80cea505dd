import type { SqlRunner } from '@spillway/kernel';
import { build, execute } from '../sql/builder.ts';
import { createApiKey, hashApiKey, hintOf } from './api-key.ts';
import { ADMIN } from './scopes.ts';

/**
 * Makes the admin key where there is none, and shows it, for the one time that it is to be had. Of instances that start at once,
 * one makes it.
 */
export async function makeFirstAdminKey(sql: SqlRunner, show: (key: string) => void | Promise<void>): Promise<void> {
  const known = build.selectFrom('api_keys').select('id').where('id', '=', ADMIN.id);
  if ((await execute(sql, known)).rows.length > 0) return;
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
  await sql.transaction(async (transaction) => {
    const { rowCount } = await execute(transaction, insert);
    // Before the commit: a process killed in between has shown a key that does not count, and the next start makes another.
    // The other way round the only key would be one that nobody has seen.
    if (rowCount === 1) await show(key);
  });
}
