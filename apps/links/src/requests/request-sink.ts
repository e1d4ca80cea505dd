import { createSink, type EventTransport, type Sink } from '@spillway/events';
import { openTransport } from '../click-log/transport.ts';
import type { Foundation } from '../foundation/foundation.ts';
import { requestCodec } from './request-codec.ts';
import { startRetention } from './retention.ts';
import { createRequestWriter } from './write-requests.ts';

/** The name of the log of requests: of its spools, stream and watermarks. */
export const REQUEST_LOG = 'requests';

export interface RequestSink {
  readonly stats: Sink['stats'];
  close(): Promise<void>;
}

/** Writes requests to SQL, and takes the old ones away. Runs inside the instances (`ROLE=all`), or alone in `spillway worker`. */
export async function openRequestSink(foundation: Foundation, lent?: EventTransport): Promise<RequestSink> {
  const { config, database, instance, log } = foundation;
  const transport = lent ?? (await openTransport(foundation, REQUEST_LOG));
  const sink = createSink({
    name: REQUEST_LOG,
    sql: database.sql,
    transport,
    write: createRequestWriter({ dialect: database.sql.dialect }),
    consumer: instance,
    encode: requestCodec.encode,
    decode: requestCodec.decode,
  });
  const { keepMs } = config.requests;
  const retention = keepMs === 'off' ? undefined : startRetention({ sql: database.sql, keepMs, log });
  return {
    stats: () => sink.stats(),
    async close() {
      await retention?.close();
      await sink.close();
      if (lent === undefined) await transport.close();
    },
  };
}
