import type { SqlQueries } from '@spillway/kernel';
import { numberArray, textArray } from './array-literal.ts';
import type { ClickRow } from './click-row.ts';
import { createPartitions } from './partitions.ts';
import { HOUR_MS, type RollUp, rollUp } from './roll-up.ts';

const INSERT_CLICKS = `
  INSERT INTO clicks (link_id, at, visitor, bot, country, browser, system, device, referrer)
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[])`;
const ADD_HOURS = `
  INSERT INTO click_hours AS kept (link_id, hour, clicks, bots)
  SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::bigint[])
  ON CONFLICT (link_id, hour) DO UPDATE SET clicks = kept.clicks + excluded.clicks, bots = kept.bots + excluded.bots`;
const ADD_TOTALS = `
  INSERT INTO click_totals AS kept (link_id, clicks, bots)
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
  ON CONFLICT (link_id) DO UPDATE SET clicks = kept.clicks + excluded.clicks, bots = kept.bots + excluded.bots`;
const ADD_SERVICE_HOURS = `
  INSERT INTO click_service_hours AS kept (hour, shard, clicks, bots)
  SELECT hour, $4::smallint, clicks, bots FROM unnest($1::integer[], $2::bigint[], $3::bigint[]) AS new (hour, clicks, bots)
  ON CONFLICT (hour, shard) DO UPDATE SET clicks = kept.clicks + excluded.clicks, bots = kept.bots + excluded.bots`;

/**
 * One statement per table, with a column per array: the fewest round trips, and as near to COPY as an INSERT comes.
 * The order of the statements, and of the rows within, is the same for every writer, so that no two can deadlock.
 */
export function createPostgresWriter(shard: number) {
  const partitions = createPartitions();
  return async (transaction: SqlQueries, rows: readonly ClickRow[]): Promise<void> => {
    const { hours, totals, service } = rollUp(rows);
    try {
      await partitions.ensure(
        transaction,
        service.map(({ hour }) => hour * HOUR_MS),
      );
      await transaction.query(INSERT_CLICKS, [
        numberArray(rows, (row) => row.linkId),
        numberArray(rows, (row) => row.atMs),
        numberArray(rows, (row) => row.visitor),
        numberArray(rows, (row) => (row.bot ? 1 : 0)),
        textArray(rows, (row) => row.country),
        textArray(rows, (row) => row.browser),
        textArray(rows, (row) => row.system),
        textArray(rows, (row) => row.device),
        textArray(rows, (row) => row.referrer),
      ]);
      await transaction.query(ADD_HOURS, [numberArray(hours, keyOf), numberArray(hours, hourOf), ...counts(hours)]);
      await transaction.query(ADD_TOTALS, [numberArray(totals, keyOf), ...counts(totals)]);
      await transaction.query(ADD_SERVICE_HOURS, [numberArray(service, hourOf), ...counts(service), shard]);
    } catch (error) {
      partitions.forget();
      throw error;
    }
  };
}

const keyOf = (row: RollUp): number => row.key;
const hourOf = (row: RollUp): number => row.hour;
const counts = (rows: readonly RollUp[]): [clicks: string, bots: string] => [
  numberArray(rows, (row) => row.clicks),
  numberArray(rows, (row) => row.bots),
];
