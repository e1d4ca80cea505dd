import type { SqlQueries, SqlRunner } from '@spillway/kernel';
import { build, execute } from '../sql/builder.ts';
import type { Scope } from './scopes.ts';

/** A key as it is kept: never the key itself. */
export interface KeyRecord {
  readonly id: string;
  readonly name: string;
  readonly hash: string;
  readonly hint: string;
  readonly scopes: readonly Scope[];
  readonly createdAtMs: number;
  readonly expiresAtMs: number | undefined;
  /** The name of its plan. */
  readonly plan: string | undefined;
  /** A JSON array of policies in place of those of the same name in its plan. */
  readonly limits: string | undefined;
}

export interface KeyStore {
  insert(record: KeyRecord): Promise<void>;
  byHash(hash: string): Promise<KeyRecord | undefined>;
  byId(id: string): Promise<KeyRecord | undefined>;
  /** Oldest first. */
  list(): Promise<readonly KeyRecord[]>;
  /** Writes what is in `change` and nothing else, so that two changes at once are both kept. */
  update(
    id: string,
    change: Partial<Pick<KeyRecord, 'name' | 'scopes' | 'expiresAtMs' | 'plan' | 'limits'>>,
  ): Promise<KeyRecord | undefined>;
  /** The hash of the key that was there. */
  remove(id: string): Promise<string | undefined>;
}

const columns = ['id', 'name', 'hash', 'hint', 'scopes', 'created_at', 'expires_at', 'plan', 'limits'] as const;

interface KeyRow {
  id: string;
  name: string;
  hash: string;
  hint: string;
  scopes: string;
  created_at: number;
  expires_at: number | null;
  plan: string | null;
  limits: string | null;
}

export function createKeyStore(sql: SqlRunner): KeyStore {
  const select = () => build.selectFrom('api_keys').select(columns);
  const first = async (on: SqlQueries, query: ReturnType<typeof select>) => {
    const { rows } = await execute<KeyRow>(on, query);
    return rows[0] === undefined ? undefined : toRecord(rows[0]);
  };
  return {
    async insert(record) {
      await execute(sql, build.insertInto('api_keys').values(toRow(record)));
    },
    byHash: (hash) => first(sql, select().where('hash', '=', hash)),
    byId: (id) => first(sql, select().where('id', '=', id)),
    async list() {
      const { rows } = await execute<KeyRow>(sql, select().orderBy('created_at').orderBy('id'));
      return rows.map(toRecord);
    },
    async update(id, change) {
      const { name, scopes } = change;
      const set = {
        // Always something to set, so that a change of nothing still answers with the key.
        id,
        ...(name === undefined ? {} : { name }),
        ...(scopes === undefined ? {} : { scopes: JSON.stringify(scopes) }),
        ...('expiresAtMs' in change ? { expires_at: change.expiresAtMs ?? null } : {}),
        ...('plan' in change ? { plan: change.plan ?? null } : {}),
        ...('limits' in change ? { limits: change.limits ?? null } : {}),
      };
      const update = build.updateTable('api_keys').set(set).where('id', '=', id).returning(columns);
      const { rows } = await execute<KeyRow>(sql, update);
      return rows[0] === undefined ? undefined : toRecord(rows[0]);
    },
    async remove(id) {
      const remove = build.deleteFrom('api_keys').where('id', '=', id).returning('hash');
      return (await execute<Pick<KeyRow, 'hash'>>(sql, remove)).rows[0]?.hash;
    },
  };
}

const toRow = (record: KeyRecord): KeyRow => ({
  id: record.id,
  name: record.name,
  hash: record.hash,
  hint: record.hint,
  scopes: JSON.stringify(record.scopes),
  created_at: record.createdAtMs,
  expires_at: record.expiresAtMs ?? null,
  plan: record.plan ?? null,
  limits: record.limits ?? null,
});

const toRecord = (row: KeyRow): KeyRecord => ({
  id: row.id,
  name: row.name,
  hash: row.hash,
  hint: row.hint,
  scopes: JSON.parse(row.scopes) as Scope[],
  createdAtMs: row.created_at,
  expiresAtMs: row.expires_at ?? undefined,
  plan: row.plan ?? undefined,
  limits: row.limits ?? undefined,
});
