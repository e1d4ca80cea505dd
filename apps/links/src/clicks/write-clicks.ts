import { randomInt } from 'node:crypto';
import type { SqlDialect, SqlQueries } from '@spillway/kernel';
import type { Click } from './click.ts';
import type { ClickRow } from './click-row.ts';

/** Rows per hour over which the whole service's counts are spread: writers in different processes seldom meet in one. */
const SHARDS = 64;

type WriteRows = (transaction: SqlQueries, rows: readonly ClickRow[]) => Promise<void>;

/**
 * What the click log's sink does with a batch: rows and roll-ups, inside the sink's transaction. Call it once per transaction.
 * The readers of user agents and the statements are loaded with the first batch.
 */
export function createClickWriter(options: { readonly dialect: SqlDialect }) {
  let loaded: Promise<{ toRow: (click: Click) => ClickRow; write: WriteRows }> | undefined;
  return async (transaction: SqlQueries, clicks: readonly Click[]): Promise<void> => {
    if (clicks.length === 0) return;
    loaded ??= load(options.dialect, randomInt(SHARDS));
    const { toRow, write } = await loaded;
    await write(transaction, clicks.map(toRow));
  };
}

async function load(dialect: SqlDialect, shard: number) {
  const { toRow } = await import('./click-row.ts');
  switch (dialect) {
    case 'postgres':
      return { toRow, write: (await import('./postgres-writer.ts')).createPostgresWriter(shard) };
    case 'sqlite':
      return { toRow, write: (await import('./sqlite-writer.ts')).createSqliteWriter(shard) };
    default:
      return dialect satisfies never;
  }
}
