import { join } from 'node:path';
import { createEventLog, type EventLog, type Sink } from '@spillway/events';
import { sqlWatermarks } from '@spillway/events/sql';
import type { Click } from '../clicks/click.ts';
import { clickCodec } from '../clicks/click-codec.ts';
import type { Foundation } from '../foundation/foundation.ts';
import { openClickSink } from './click-sink.ts';
import { CLICK_LOG, openClickTransport } from './transport.ts';

export interface ClickLog {
  readonly events: EventLog<Click>;
  /** Undefined with `ROLE=web`. */
  readonly sink: Sink | undefined;
  /** Writes everything to the spool and, while there is time, waits until it is counted. */
  close(): Promise<void>;
}

/** This process's end of the log of clicks, and with `ROLE=all` its share of the counting. */
export async function openClickLog(foundation: Foundation): Promise<ClickLog> {
  const { config, database, instance } = foundation;
  const transport = await openClickTransport(foundation);
  const events = await createEventLog<Click>({
    name: CLICK_LOG,
    producer: instance,
    transport,
    watermarks: sqlWatermarks({ sql: database.sql, name: CLICK_LOG }),
    spool: { directory: join(config.dataDir, 'spool') },
    encode: clickCodec.encode,
  });
  const sink = config.role === 'all' ? openClickSink(foundation, transport) : undefined;
  return {
    events,
    sink,
    async close() {
      await events.close({ timeout: '5s' });
      await sink?.close();
      await transport.close();
    },
  };
}
