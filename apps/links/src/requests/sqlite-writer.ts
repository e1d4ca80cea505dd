import type { SqlQueries } from '@spillway/kernel';
import { OUTCOMES, outcomeOf, type RequestRecord } from './request.ts';
import { COUNTS, type RollUp, rollUp } from './roll-up.ts';

// The client travels as text, since JSON's numbers would lose its last digits on the way.
const INSERT = `
  INSERT INTO requests (at, client, key_id, method, route, policy, status, outcome, cost, weight)
  SELECT value ->> 0, CAST(value ->> 1 AS INTEGER), value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
    value ->> 7, value ->> 8, value ->> 9
  FROM json_each($1)`;

// "WHERE true" tells SQLite's parser that ON belongs to the INSERT and is no join.
const addTo = (table: string): string => `
  INSERT INTO ${table} AS kept (kind, step, subject, route, ${COUNTS.join(', ')})
  SELECT ${[0, 1, 2, 3, ...COUNTS.map((_, at) => at + 4)].map((at) => `value ->> ${at}`).join(', ')}
  FROM json_each($1) WHERE true
  ON CONFLICT (kind, step, subject, route) DO UPDATE SET
    ${COUNTS.map((name) => `${name} = kept.${name} + excluded.${name}`).join(', ')}`;
const ADD_MINUTES = addTo('request_minutes');
const ADD_HOURS = addTo('request_hours');

/** One statement per table with all rows as one JSON text, as clicks are written. */
export async function writeToSqlite(transaction: SqlQueries, records: readonly RequestRecord[]): Promise<void> {
  const { minutes, hours } = rollUp(records);
  await transaction.query(INSERT, [JSON.stringify(records.map(toTuple))]);
  await transaction.query(ADD_MINUTES, [sumsText(minutes)]);
  await transaction.query(ADD_HOURS, [sumsText(hours)]);
}

function toTuple(record: RequestRecord): unknown[] {
  const { atMs, client, key, method, route, policy, status, cost, weight } = record;
  const outcome = OUTCOMES.indexOf(outcomeOf(record));
  return [atMs, client.toString(), key, method, route, policy, status, outcome, cost, weight];
}

const sumsText = (rows: readonly RollUp[]): string =>
  JSON.stringify(rows.map((row) => [row.kind, row.step, row.subject, row.route, ...COUNTS.map((name) => row[name])]));
