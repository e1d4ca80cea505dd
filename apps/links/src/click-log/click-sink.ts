import { createSink, type EventTransport, type Sink } from '@spillway/events';
import { clickCodec } from '../clicks/click-codec.ts';
import { createClickWriter } from '../clicks/write-clicks.ts';
import type { Foundation } from '../foundation/foundation.ts';
import { CLICK_LOG } from './transport.ts';

/** Counts clicks in SQL. Runs inside the instances (`ROLE=all`), or alone in `spillway worker`. */
export function openClickSink({ database, instance }: Foundation, transport: EventTransport): Sink {
  return createSink({
    name: CLICK_LOG,
    sql: database.sql,
    transport,
    write: createClickWriter({ dialect: database.sql.dialect }),
    consumer: instance,
    encode: clickCodec.encode,
    decode: clickCodec.decode,
  });
}
