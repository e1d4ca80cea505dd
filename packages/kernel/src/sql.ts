/** The two databases that Spillway's own tables speak to. */
export type SqlDialect = 'postgres' | 'sqlite';

/** What may be bound to a placeholder. */
export type SqlValue = string | number | bigint | null | Uint8Array;

export interface SqlResult<Row> {
  readonly rows: readonly Row[];
  /** Rows returned by a SELECT or RETURNING, else rows changed. */
  readonly rowCount: number;
}

/**
 * How packages reach SQL. The app owns the pool and the deadlines; a package only gets this.
 * Placeholders are `$1`, `$2`, ... on both dialects, bound by number.
 */
export interface SqlRunner {
  readonly dialect: SqlDialect;
  /** @throws {StoreUnavailableError} when the database does not answer; anything else is the database's own error */
  query<Row = Record<string, unknown>>(text: string, values?: readonly SqlValue[]): Promise<SqlResult<Row>>;
  /** Commits when `work` resolves, rolls back when it rejects. Not to be nested. */
  transaction<Result>(work: (transaction: SqlQueries) => Promise<Result>): Promise<Result>;
}

/** What runs inside a transaction. */
export type SqlQueries = Pick<SqlRunner, 'dialect' | 'query'>;

/** One step of a package's schema, as data: the app decides when, in which order and under which lock it runs. */
export interface Migration {
  /** Unique and sortable over all packages: `"ids-001-blocks"`. Never changes once released. */
  readonly id: string;
  /** Statements in order, per dialect. They run in one transaction. */
  readonly up: Readonly<Record<SqlDialect, readonly string[]>>;
}
