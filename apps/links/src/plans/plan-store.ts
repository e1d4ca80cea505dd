import type { SqlQueries, SqlRunner } from '@spillway/kernel';
import { build, execute } from '../sql/builder.ts';

/** A plan as it stands in the table. */
export interface PlanRow {
  readonly name: string;
  /** JSON: `policies`, `shadow`, `mode`, as they were written. */
  readonly definition: string;
  /** Whether every key has it that was given none. At most one plan is that. */
  readonly isDefault: boolean;
  readonly updatedAtMs: number;
}

export interface PlanChange {
  readonly name: string;
  readonly definition: string;
  /** Undefined: as it was. */
  readonly isDefault: boolean | undefined;
  readonly updatedAtMs: number;
}

export type Removal =
  | { readonly outcome: 'removed' | 'missing' | 'is-default' }
  | { readonly outcome: 'in-use'; readonly keys: number };

export interface PlanStore {
  /** By name, `MOST_PLANS` and one more at most. */
  list(): Promise<readonly PlanRow[]>;
  /** Puts it in place of the one of its name. `full`: it is a new one, and there are as many as there may be. */
  put(plan: PlanChange): Promise<'made' | 'replaced' | 'full'>;
  /** `mayOrphan`: keys that have it have another of its name then. Otherwise it stays while a key has it, or all have it by default. */
  remove(name: string, options: { readonly mayOrphan: boolean }): Promise<Removal>;
}

/** Plans in the database: each may have a limiter in each process (G7). */
export const MOST_PLANS = 200;

/** The row of `settings` that names the default plan: one row, so that two changes at once leave one default. */
const DEFAULT = 'plans.default';

interface Row {
  readonly name: string;
  readonly definition: string;
  readonly updated_at: number;
  readonly default_name: string | null;
}

export const createPlanStore = (sql: SqlRunner): PlanStore => ({
  async list() {
    const select = build
      .selectFrom('plans')
      .leftJoin('settings', (join) => join.onRef('settings.value', '=', 'plans.name').on('settings.name', '=', DEFAULT))
      .select(['plans.name', 'plans.definition', 'plans.updated_at', 'settings.value as default_name'])
      .orderBy('plans.name')
      .limit(MOST_PLANS + 1);
    const { rows } = await execute<Row>(sql, select);
    return rows.map(({ name, definition, updated_at, default_name }) => ({
      name,
      definition,
      isDefault: default_name !== null,
      updatedAtMs: Number(updated_at),
    }));
  },
  put: ({ name, definition, isDefault, updatedAtMs }) =>
    sql.transaction(async (on) => {
      const isNew = !(await isThere(on, name));
      if (isNew && (await count(on)) >= MOST_PLANS) return 'full';
      const row = { name, definition, updated_at: updatedAtMs };
      const put = build
        .insertInto('plans')
        .values(row)
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ definition, updated_at: updatedAtMs }));
      await execute(on, put);
      if (isDefault === true) await makeDefault(on, name);
      if (isDefault === false) await clearDefault(on, name);
      return isNew ? 'made' : 'replaced';
    }),
  remove: (name, { mayOrphan }) =>
    sql.transaction(async (on): Promise<Removal> => {
      if (!(await isThere(on, name))) return { outcome: 'missing' };
      if (!mayOrphan) {
        const having = build
          .selectFrom('api_keys')
          .select(({ fn }) => fn.countAll().as('keys'))
          .where('plan', '=', name);
        const keys = Number((await execute<{ keys: number }>(on, having)).rows[0]?.keys ?? 0);
        if (keys > 0) return { outcome: 'in-use', keys };
        if (await isDefaultNow(on, name)) return { outcome: 'is-default' };
      }
      await clearDefault(on, name);
      await execute(on, build.deleteFrom('plans').where('name', '=', name));
      return { outcome: 'removed' };
    }),
});

async function isThere(on: SqlQueries, name: string): Promise<boolean> {
  return (await execute(on, build.selectFrom('plans').select('name').where('name', '=', name))).rows.length > 0;
}

async function count(on: SqlQueries): Promise<number> {
  const all = build.selectFrom('plans').select(({ fn }) => fn.countAll().as('plans'));
  return Number((await execute<{ plans: number }>(on, all)).rows[0]?.plans ?? 0);
}

async function isDefaultNow(on: SqlQueries, name: string): Promise<boolean> {
  const named = build.selectFrom('settings').select('value').where('name', '=', DEFAULT).where('value', '=', name);
  return (await execute(on, named)).rows.length > 0;
}

async function makeDefault(on: SqlQueries, name: string): Promise<void> {
  const put = build
    .insertInto('settings')
    .values({ name: DEFAULT, value: name })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: name }));
  await execute(on, put);
}

async function clearDefault(on: SqlQueries, name: string): Promise<void> {
  await execute(on, build.deleteFrom('settings').where('name', '=', DEFAULT).where('value', '=', name));
}
