import type { SqlQueries } from '@spillway/kernel';
import { bigIntArray, int2Array, int4Array, int8Array, textArray } from '../clicks/binary-array.ts';
import { createPartitions, type PartitionedTable } from '../clicks/partitions.ts';
import { OUTCOMES, outcomeOf, type RequestRecord } from './request.ts';
import { COUNTS, type RollUp, rollUp } from './roll-up.ts';

/** "request" in ASCII: the lock of those who make partitions. */
export const REQUEST_PARTITIONS: PartitionedTable = { name: 'requests', lock: 0x7265_7175_6573 };

/** Rows that may share one number of `request_batches`, as clicks do. */
const MAX_ROWS = 2 ** 17;

const INSERT = `
  INSERT INTO requests (id, at, client, key_id, method, route, policy, status, outcome, cost, weight)
  SELECT batch.first + generate_series(0, cardinality($1::bigint[]) - 1),
    unnest($1::bigint[]), unnest($2::bigint[]), unnest($3::text[]), unnest($4::text[]), unnest($5::text[]), unnest($6::text[]),
    unnest($7::smallint[]), unnest($8::smallint[]), unnest($9::integer[]), unnest($10::integer[])
  FROM (SELECT nextval('request_batches') * ${MAX_ROWS} AS first OFFSET 0) AS batch`;

const addTo = (table: string): string => `
  INSERT INTO ${table} AS kept (kind, step, subject, route, ${COUNTS.join(', ')})
  SELECT unnest($1::smallint[]), unnest($2::integer[]), unnest($3::text[]), unnest($4::text[]),
    ${COUNTS.map((_, at) => `unnest($${at + 5}::bigint[])`).join(', ')}
  ON CONFLICT (kind, step, subject, route) DO UPDATE SET
    ${COUNTS.map((name) => `${name} = kept.${name} + excluded.${name}`).join(', ')}`;
const ADD_MINUTES = addTo('request_minutes');
const ADD_HOURS = addTo('request_hours');

/** One statement per table, with an array per column, as clicks are written. */
export function createPostgresWriter() {
  const partitions = createPartitions(REQUEST_PARTITIONS);
  return async (transaction: SqlQueries, records: readonly RequestRecord[]): Promise<void> => {
    const { minutes, hours } = rollUp(records);
    try {
      await partitions.ensure(
        transaction,
        records.map(({ atMs }) => atMs),
      );
      for (let at = 0; at < records.length; at += MAX_ROWS) {
        await transaction.query(INSERT, columnsOf(records.slice(at, at + MAX_ROWS)));
      }
      await transaction.query(ADD_MINUTES, sumsOf(minutes));
      await transaction.query(ADD_HOURS, sumsOf(hours));
    } catch (error) {
      partitions.forget();
      throw error;
    }
  };
}

const columnsOf = (records: readonly RequestRecord[]): Uint8Array[] => [
  int8Array(records, ({ atMs }) => atMs),
  bigIntArray(records, ({ client }) => client),
  textArray(records, ({ key }) => key),
  textArray(records, ({ method }) => method),
  textArray(records, ({ route }) => route),
  textArray(records, ({ policy }) => policy),
  int2Array(records, ({ status }) => status),
  int2Array(records, (record) => OUTCOMES.indexOf(outcomeOf(record))),
  int4Array(records, ({ cost }) => cost),
  int4Array(records, ({ weight }) => weight),
];

const sumsOf = (rows: readonly RollUp[]): Uint8Array[] => [
  int2Array(rows, ({ kind }) => kind),
  int4Array(rows, ({ step }) => step),
  textArray(rows, ({ subject }) => subject),
  textArray(rows, ({ route }) => route),
  ...COUNTS.map((name) => int8Array(rows, (row) => row[name])),
];
