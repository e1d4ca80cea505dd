/**
 * An instance of a shop, as an app ties `@spillway/cache` and `@spillway/events` together: a write is answered once the event log has it,
 * and reaches SQL in batches, through whichever instance runs a sink.
 */
import { DatabaseSync } from 'node:sqlite';
import { createCache } from '@spillway/cache';
import { redisCacheStore } from '@spillway/cache/redis';
import { applyWrites, type LoggedWrite, type Write, type WriteBehind, writeBehind } from '@spillway/cache/writes';
import { createEventLog, createSink } from '@spillway/events';
import { redisTransport } from '@spillway/events/redis';
import { eventMigrations, sqlWatermarks } from '@spillway/events/sql';
import type { SqlQueries } from '@spillway/kernel';
import { sqliteRunner } from '@spillway/kernel/sqlite';
import { connectRedis, redisBus } from '@spillway/redis';

export interface Stock {
  readonly pieces: number;
}

export interface StockSettings {
  /** Of this instance. */
  readonly name: string;
  readonly redisUrl: string;
  /** The path of the database. */
  readonly database: string;
  /** The root of the spools: instances on one disk take over what a dead one left there. */
  readonly spool: string;
  /** What they share in Redis is called so. */
  readonly shop: string;
  /** Whether it brings writes into SQL. */
  readonly sink: 'on' | 'off';
}

export interface StockApp {
  readonly stock: WriteBehind<Stock>;
  /** What SQL has. */
  inTruth(key: string): Promise<Stock | undefined>;
  /** How many rows were written so far, and in how many transactions. */
  written(): { readonly rows: number; readonly transactions: number };
  close(): Promise<void>;
}

export function prepareDatabase(path: string): void {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL');
  for (const { up } of eventMigrations) for (const statement of up.sqlite) database.exec(statement);
  database.exec('CREATE TABLE stock (item TEXT PRIMARY KEY, pieces INTEGER NOT NULL CHECK (pieces >= 0))');
  database.close();
}

export async function openStockApp({
  name,
  redisUrl,
  database: path,
  spool,
  shop,
  sink,
}: StockSettings): Promise<StockApp> {
  const link = connectRedis({ url: redisUrl, deadline: '2s' });
  await link.ready({ timeout: '20s' });
  const database = new DatabaseSync(path, { timeout: 5_000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  const sql = sqliteRunner(database);
  const bus = redisBus(link, { instance: name });
  const cache = createCache<Stock>({ name: shop, ttl: '10m', l2: redisCacheStore({ link }), bus });
  const inTruth = async (item: string): Promise<Stock | undefined> => {
    const { rows } = await sql.query<Stock>('SELECT pieces FROM stock WHERE item = $1', [item]);
    return rows[0] === undefined ? undefined : { pieces: rows[0].pieces };
  };

  const counts = { rows: 0, transactions: 0 };
  const write = async (transaction: SqlQueries, writes: readonly Write<Stock>[]): Promise<void> => {
    counts.transactions += 1;
    for (const { key, value } of writes) {
      counts.rows += 1;
      if (value === undefined) await transaction.query('DELETE FROM stock WHERE item = $1', [key]);
      else {
        const upsert = 'INSERT INTO stock VALUES ($1, $2) ON CONFLICT (item) DO UPDATE SET pieces = excluded.pieces';
        await transaction.query(upsert, [key, value.pieces]);
      }
    }
  };

  const transport = redisTransport({ link, stream: shop, claimAfter: '2s' });
  const applied = applyWrites<Stock>({ sql, cache, write });
  const running =
    sink === 'on' ? createSink<LoggedWrite>({ name: 'stock', transport, consumer: name, ...applied }) : undefined;
  const log = await createEventLog<LoggedWrite>({
    name: 'stock',
    producer: name,
    transport,
    watermarks: sqlWatermarks({ sql, name: 'stock' }),
    spool: { directory: spool },
    adoptEvery: '200ms',
  });
  const stock = writeBehind<Stock>({ cache, log, load: inTruth });

  return {
    stock,
    inTruth,
    written: () => ({ ...counts }),
    async close() {
      // Whoever gives goes before whoever takes.
      await stock.close();
      await log.close();
      await running?.close();
      await transport.close();
      await cache.close();
      await bus.close();
      await link.close();
      database.close();
    },
  };
}
