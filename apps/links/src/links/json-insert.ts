import type { SqlDialect } from '@spillway/kernel';

/** A column and its type on PostgreSQL. */
export type Column = readonly [name: string, postgresType: string];

/**
 * `INSERT INTO table (...) SELECT ...` of the JSON array in `$1`, a row for each of its objects, in their order: one constant
 * statement and one parameter for one row as for a thousand. Rows that break a unique index are left out.
 */
export function insertJson(dialect: SqlDialect, table: string, columns: readonly Column[], returning?: string): string {
  const names = columns.map(([name]) => name).join(', ');
  const source =
    dialect === 'postgres'
      ? `SELECT ${names} FROM jsonb_to_recordset($1::jsonb) AS row(${columns.map((column) => column.join(' ')).join(', ')})`
      : // WHERE true, or SQLite would read ON CONFLICT as the condition of a join.
        `SELECT ${columns.map(([name]) => `value ->> '${name}'`).join(', ')} FROM json_each($1) WHERE true`;
  const answer = returning === undefined ? '' : ` RETURNING ${returning}`;
  return `INSERT INTO ${table} (${names}) ${source} ON CONFLICT DO NOTHING${answer}`;
}

/** The texts for both dialects. */
export const insertJsonOn = (
  table: string,
  columns: readonly Column[],
  returning?: string,
): Readonly<Record<SqlDialect, string>> => ({
  postgres: insertJson('postgres', table, columns, returning),
  sqlite: insertJson('sqlite', table, columns, returning),
});

/** `IN (...)` over the JSON array of integers in `$n`. */
export const inIntegers = (dialect: SqlDialect, parameter: string): string =>
  dialect === 'postgres'
    ? `IN (SELECT value::bigint FROM jsonb_array_elements_text(${parameter}::jsonb) AS value)`
    : `IN (SELECT value FROM json_each(${parameter}))`;
