import { DatabaseSync } from 'node:sqlite';
import { type SqlRunner, StoreUnavailableError } from '@spillway/kernel';
import { sqliteRunner } from '@spillway/kernel/sqlite';
import { describe, expect, test } from 'vitest';
import { applyWrites, type Write } from './index.ts';

function world() {
  const database = new DatabaseSync(':memory:');
  database.exec('CREATE TABLE t (key TEXT PRIMARY KEY, value TEXT)');
  const real = sqliteRunner(database);
  const log: string[] = [];
  let commits: 'told' | 'untold' = 'told';
  // A connection that breaks under COMMIT: it was made, and nobody heard of it.
  const sql: SqlRunner = {
    ...real,
    async transaction(work) {
      const result = await real.transaction(work);
      log.push('committed');
      if (commits === 'untold') throw new StoreUnavailableError('COMMIT');
      return result;
    },
  };
  const applied = applyWrites<string>({
    sql,
    cache: {
      async invalidate(target) {
        if ('keys' in target) log.push(`invalidated ${[...target.keys].sort().join(' ')}`);
        return 'deleted';
      },
    },
    async write(transaction, writes: readonly Write<string>[]) {
      log.push(`wrote ${writes.map(({ key, value }) => `${key}=${value ?? ''}`).join(' ')}`);
      for (const { key, value } of writes) {
        await transaction.query('INSERT OR REPLACE INTO t VALUES ($1, $2)', [key, value ?? null]);
      }
    },
  });
  return {
    ...applied,
    log,
    breakCommits: (how: typeof commits) => {
      commits = how;
    },
  };
}

describe('applyWrites', () => {
  test('writes one value per key, the last, in the order of the keys, and invalidates them once it is committed', async () => {
    const { sql, write, log } = world();
    await sql.transaction(async (transaction) => {
      await write(transaction, [
        { key: 'b', text: '"1"' },
        { key: 'a', text: '"1"' },
        { key: 'b', text: '"2"' },
        { key: 'c' },
      ]);
      await write(transaction, [{ key: 'd', text: '"1"' }]);
    });
    expect(log).toEqual(['wrote a=1 b=2 c=', 'wrote d=1', 'committed', 'invalidated a b c d']);
  });

  test('a transaction that wrote nothing invalidates nothing', async () => {
    const { sql, log } = world();
    expect(await sql.transaction(async () => 'result')).toBe('result');
    expect((await sql.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    expect([log, sql.dialect]).toEqual([['committed'], 'sqlite']);
  });

  test('G5: what may or may not have been committed is invalidated at once, and again after the next commit', async () => {
    const { sql, write, log, breakCommits } = world();
    breakCommits('untold');
    const writing = sql.transaction((transaction) => write(transaction, [{ key: 'a', text: '"1"' }]));
    await expect(writing).rejects.toThrow('COMMIT');
    expect(log.splice(0)).toEqual(['wrote a=1', 'committed', 'invalidated a']);
    breakCommits('told');
    // The sink has seen by its watermark that it need not write it again.
    await sql.transaction(async () => undefined);
    expect(log.splice(0)).toEqual(['committed', 'invalidated a']);
    await sql.transaction(async () => undefined);
    expect(log).toEqual(['committed']);
  });

  test('a write that is at fault is thrown to the sink, which knows what to do', async () => {
    const { sql, write, log } = world();
    const bad = { key: 'a', text: 'no JSON' };
    await expect(sql.transaction((transaction) => write(transaction, [bad]))).rejects.toThrow(SyntaxError);
    expect(log).toEqual([]);
  });
});
