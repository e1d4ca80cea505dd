import type { SqlQueries, SqlRunner } from '@spillway/kernel';
import type { Cache } from '../cache.ts';
import type { CacheCodec } from '../values/codec.ts';
import { jsonCodec } from '../values/json-codec.ts';
import { toWrites, type Write } from './to-writes.ts';
import type { LoggedWrite } from './write-log.ts';

export interface ApplyWritesOptions<Value> {
  readonly sql: SqlRunner;
  /**
   * Writes all of these within the transaction: one per key, in the order of the keys. Best as one statement that writes many rows; it
   * may be called again with the same.
   */
  readonly write: (transaction: SqlQueries, writes: readonly Write<Value>[]) => Promise<void>;
  /** Where what is committed is invalidated: an instance that has died can not do it for what it had put. */
  readonly cache: Pick<Cache<Value>, 'invalidate'>;
  /** As that of the `writeBehind` that filled the log. Default `jsonCodec()`. */
  readonly codec?: CacheCodec<Value>;
}

/** The side that brings logged writes into SQL: the parts that a sink of `@spillway/events` is made from. */
export interface AppliedWrites {
  /** The one that was given, which after each commit that wrote something invalidates it. */
  readonly sql: SqlRunner;
  /** To be called inside a transaction of this `sql`. */
  write(transaction: SqlQueries, logged: readonly LoggedWrite[]): Promise<void>;
}

/** `createSink({ name, transport, consumer, ...applyWrites({ sql, cache, write }) })`. */
export function applyWrites<Value>({
  sql,
  write,
  cache,
  codec = jsonCodec<Value>(),
}: ApplyWritesOptions<Value>): AppliedWrites {
  const written = new WeakMap<SqlQueries, Set<string>>();
  // Of transactions that may or may not have been committed: the commit after them tells for sure, since it waits for the same rows.
  const unsure = new Set<string>();

  const invalidate = async (keys: ReadonlySet<string>): Promise<void> => {
    if (keys.size > 0) await cache.invalidate({ keys: [...keys] });
  };

  return {
    sql: {
      dialect: sql.dialect,
      query: (text, values) => sql.query(text, values),
      async transaction(work) {
        const keys = new Set(unsure);
        try {
          const result = await sql.transaction((transaction) => {
            written.set(transaction, keys);
            return work(transaction);
          });
          for (const key of keys) unsure.delete(key);
          return result;
        } catch (error) {
          for (const key of keys) unsure.add(key);
          throw error;
        } finally {
          await invalidate(keys);
        }
      },
    },
    async write(transaction, logged) {
      const writes = toWrites(logged, codec);
      const keys = written.get(transaction);
      for (const { key } of writes) keys?.add(key);
      await write(transaction, writes);
    },
  };
}
