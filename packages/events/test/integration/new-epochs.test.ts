import type { SqlQueries, SqlRunner } from '@spillway/kernel';
import { expect, inject, onTestFinished, test } from 'vitest';
import { encodeBatch } from '../../src/batch.ts';
import { jsonCodec } from '../../src/codec.ts';
import { commitEntries } from '../../src/sink/commit.ts';
import { type Entry, toEntry } from '../../src/sink/entry.ts';
import { type Click, openPostgresAt, writeClicks } from '../support/open-sql.ts';

const { decode, encode } = jsonCodec<Click>();

/** The first batch of a producer. */
function firstBatch(producer: string): Entry<Click> {
  const { frame } = encodeBatch({ producer, epoch: 'e', seq: 1 }, 1, Date.now(), encode([{ who: producer, n: 1 }]));
  const entry = toEntry({ receipt: producer, floor: 0, frame }, decode, 0);
  if (entry === undefined) throw new Error(`no batch: ${producer}`);
  return entry;
}

/** Runs `meet` around the first statement that makes rows of new producers. */
function around(sql: SqlRunner, meet: (make: () => Promise<unknown>) => Promise<unknown>): SqlRunner {
  let met = false;
  const wrap = (queries: SqlQueries): SqlQueries => ({
    dialect: queries.dialect,
    async query(text, values) {
      const query = () => queries.query<never>(text, values);
      if (met || !text.includes('INTO event_watermarks (log, producer, epoch, updated_ms)')) return query();
      met = true;
      let result: Awaited<ReturnType<typeof query>> | undefined;
      await meet(async () => {
        result = await query();
      });
      return result ?? { rows: [], rowCount: 0 };
    },
  });
  return { ...wrap(sql), transaction: (work) => sql.transaction((transaction) => work(wrap(transaction))) };
}

test('G6: three sinks that meet the same new producers at once never wait in a circle, and count each batch once', async () => {
  const { sql, counted, close } = await openPostgresAt(inject('postgresUrl'));
  onTestFinished(close);
  const options = { log: 'clicks', write: writeClicks, encode, maxDeadLetters: 0 };
  const commit = (on: SqlRunner, ...producers: string[]) =>
    commitEntries(on, options, producers.map(firstBatch), 'plain', Date.now());

  // The first finds neither producer. Before it makes their rows, another one has counted "c"; a third has found "c", but no "a",
  // and makes the row of "a" after the first has done so. Had either of them a row in its hands, they would wait for each other.
  const madeByFirst = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  let third: Promise<unknown> = Promise.resolve();
  const first = around(sql, async (make) => {
    await commit(sql, 'c');
    const late = around(sql, async (makeToo) => {
      reached.resolve();
      await madeByFirst.promise;
      await makeToo();
    });
    third = commit(late, 'a', 'c');
    await reached.promise;
    await make();
    madeByFirst.resolve();
  });
  await commit(first, 'a', 'c');
  await third;
  expect(await counted()).toEqual(
    new Map([
      ['c', [1]],
      ['a', [1]],
    ]),
  );
});
