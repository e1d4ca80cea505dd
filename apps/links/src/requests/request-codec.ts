import { clientKey } from '@spillway/limit';
import type { Identify } from '../clicks/identify.ts';
import { type AnsweredRequest, MAX_TEXT, type RequestRecord, readClient, showClient } from './request.ts';

/**
 * A batch of requests as it stands in spool and stream: JSON, `[format, ...rows]`, a row being `[at, client, key, method, route,
 * status, policy, cost, weight]`, and `"denied"` where that is so. There are far fewer of them than of clicks, and a dead letter can
 * be read as it is.
 */
const FORMAT = 1;

type Row = readonly [number, string, string, string, string, number, string, number, number, ...'denied'[]];

/** From requests as they were answered to a batch: here the address becomes a hash. */
export function createAnsweredEncoder(identify: Identify): (requests: readonly AnsweredRequest[]) => Uint8Array {
  const own = new DataView(new ArrayBuffer(8));
  return (requests) =>
    encode(
      requests.map(({ ip, ...facts }) => {
        // As it is limited: whoever takes another address of his /64 for each request is one client all the same.
        identify(clientKey(ip), own, 0);
        return { ...facts, client: own.getBigInt64(0, true) };
      }),
    );
}

export const requestCodec = {
  encode,

  /** @throws {TypeError} when it is no batch of requests */
  decode(body: Uint8Array): readonly RequestRecord[] {
    let rows: unknown;
    try {
      rows = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
    } catch (cause) {
      throw new TypeError('A batch of requests is no JSON', { cause });
    }
    if (!Array.isArray(rows) || rows[0] !== FORMAT) throw new TypeError(`Not a batch of requests in format ${FORMAT}`);
    return rows.slice(1).map(toRecord);
  },
};

function encode(records: readonly RequestRecord[]): Uint8Array {
  const rows = records.map(
    ({ atMs, client, key, method, route, status, policy, cost, weight, denied }): Row => [
      atMs,
      showClient(client),
      bounded(key),
      method,
      bounded(route),
      status,
      bounded(policy),
      cost,
      weight,
      ...(denied ? (['denied'] as const) : []),
    ],
  );
  return Buffer.from(JSON.stringify([FORMAT, ...rows]));
}

const bounded = (text: string): string => (text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text);

const TYPES = ['number', 'string', 'string', 'string', 'string', 'number', 'string', 'number', 'number'];

function toRecord(row: unknown): RequestRecord {
  const right =
    Array.isArray(row) &&
    TYPES.every((type, at) => typeof row[at] === type) &&
    row.slice(TYPES.length).join() === (row.length > TYPES.length ? 'denied' : '');
  if (!right) throw new TypeError('A batch of requests has a row that is none');
  const [atMs, client, key, method, route, status, policy, cost, weight, denied] = row as unknown as Row;
  if (![atMs, status, cost, weight].every(Number.isSafeInteger) || !/^[0-9a-f]{16}$/.test(client)) {
    throw new TypeError('A batch of requests has a row with a wrong number');
  }
  const facts = { atMs, client: readClient(client), key, method, route, status, policy, cost, weight };
  return denied === undefined ? facts : { ...facts, denied: true };
}
