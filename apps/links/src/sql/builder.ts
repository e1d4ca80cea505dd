import type { SqlQueries, SqlResult, SqlValue } from '@spillway/kernel';
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely';
import type { Tables } from './tables.ts';

/**
 * Kysely as a builder only: it types and writes the SQL, a `SqlRunner` runs it. One compiler serves both databases, since
 * SQLite speaks the same `$1`, `"name"`, ON CONFLICT and RETURNING.
 */
export const createBuilder = <Schema>(): Kysely<Schema> =>
  new Kysely<Schema>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new DummyDriver(),
      createIntrospector: (database) => new PostgresIntrospector(database),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });

/** For the tables of links and keys. */
export const build = createBuilder<Tables>();

/** Runs what a builder made, on a runner or inside a transaction. */
export function execute<Row>(on: SqlQueries, query: { compile(): CompiledQuery<Row> }): Promise<SqlResult<Row>> {
  const { sql, parameters } = query.compile();
  return on.query<Row>(sql, parameters as readonly SqlValue[]);
}
