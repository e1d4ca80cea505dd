import { join } from 'node:path';
import { createEventLog, type EventLog } from '@spillway/events';
import { sqlWatermarks } from '@spillway/events/sql';
import { openTransport } from '../click-log/transport.ts';
import { openCountries } from '../clicks/countries.ts';
import { createIdentify } from '../clicks/identify.ts';
import type { Foundation } from '../foundation/foundation.ts';
import type { AnsweredRequest } from './request.ts';
import { createAnsweredEncoder } from './request-codec.ts';
import { openRequestSink, REQUEST_LOG, type RequestSink } from './request-sink.ts';

export interface RequestLog {
  /** Undefined with `REQUESTS_KEEP=off`. */
  readonly events: EventLog<AnsweredRequest> | undefined;
  /** Undefined with `ROLE=web`. */
  readonly sink: RequestSink | undefined;
  /** Writes everything to the spool and, while there is time, waits until it is counted. */
  close(): Promise<void>;
}

/**
 * Requests that may wait in memory for the next batch, some 10 MB: what a process records in 50 ms is a few dozen, so this is a disk
 * that hangs.
 */
const MAX_RING = 32_768;
/** What is lost beyond it is the latest; clicks have a spool of their own, which this one must not starve. */
const MAX_SPOOL_BYTES = 128 * 1024 * 1024;

/**
 * This process's end of the log of requests, and with `ROLE=all` its share of the counting. It is a log beside that of clicks, with
 * spools, stream and watermarks of its own: what is kept for a week to find abuse never delays or pushes out what is counted for good.
 */
export async function openRequestLog(foundation: Foundation): Promise<RequestLog> {
  const { config, database, instance, secret } = foundation;
  const transport = await openTransport(foundation, REQUEST_LOG);
  const events =
    config.requests.keepMs === 'off'
      ? undefined
      : await createEventLog<AnsweredRequest>({
          name: REQUEST_LOG,
          producer: instance,
          transport,
          watermarks: sqlWatermarks({ sql: database.sql, name: REQUEST_LOG }),
          spool: { directory: join(config.dataDir, 'spool'), maxBytes: MAX_SPOOL_BYTES },
          ring: { max: MAX_RING },
          encode: createAnsweredEncoder(createIdentify({ secret, countries: openCountries('off') })),
        });
  const sink = config.role === 'all' ? await openRequestSink(foundation, transport) : undefined;
  return {
    events,
    sink,
    async close() {
      await events?.close({ timeout: '5s' });
      await sink?.close();
      await transport.close();
    },
  };
}
