import type { SqlDialect, SqlQueries } from '@spillway/kernel';
import type { RequestRecord } from './request.ts';

type Write = (transaction: SqlQueries, records: readonly RequestRecord[]) => Promise<void>;

/** What the sink does with a batch: rows and roll-ups, inside its transaction. The statements are loaded with the first batch. */
export function createRequestWriter(options: { readonly dialect: SqlDialect }): Write {
  let loaded: Promise<Write> | undefined;
  return async (transaction, records) => {
    if (records.length === 0) return;
    loaded ??= load(options.dialect);
    const write = await loaded;
    await write(transaction, inOrder(records));
  };
}

/** By time, as the table is read. */
const inOrder = (records: readonly RequestRecord[]) => [...records].sort((a, b) => a.atMs - b.atMs);

async function load(dialect: SqlDialect): Promise<Write> {
  switch (dialect) {
    case 'postgres':
      return (await import('./postgres-writer.ts')).createPostgresWriter();
    case 'sqlite':
      return (await import('./sqlite-writer.ts')).writeToSqlite;
    default:
      return dialect satisfies never;
  }
}
