import { join } from 'node:path';
import { createEventLog, type EventLog, type Sink } from '@spillway/events';
import { sqlWatermarks } from '@spillway/events/sql';
import type { Visit } from '../clicks/click.ts';
import { createVisitEncoder } from '../clicks/click-codec.ts';
import { openCountries } from '../clicks/countries.ts';
import { createIdentify } from '../clicks/identify.ts';
import type { Foundation } from '../foundation/foundation.ts';
import { openClickSink } from './click-sink.ts';
import { CLICK_LOG, openTransport } from './transport.ts';

export interface ClickLog {
  /** Takes visits, and keeps clicks: a client's address goes no further than this process's memory. */
  readonly events: EventLog<Visit>;
  /** Undefined with `ROLE=web`. */
  readonly sink: Sink | undefined;
  /** Reads the country database before the first click has to. @throws {ConfigurationError} */
  warm(): void;
  /** Writes everything to the spool and, while there is time, waits until it is counted. */
  close(): Promise<void>;
}

/** This process's end of the log of clicks, and with `ROLE=all` its share of the counting. */
export async function openClickLog(foundation: Foundation): Promise<ClickLog> {
  const { config, database, instance, secret } = foundation;
  const countries = openCountries(config.countryDatabase);
  const transport = await openTransport(foundation, CLICK_LOG);
  const events = await createEventLog<Visit>({
    name: CLICK_LOG,
    producer: instance,
    transport,
    watermarks: sqlWatermarks({ sql: database.sql, name: CLICK_LOG }),
    spool: { directory: join(config.dataDir, 'spool') },
    encode: createVisitEncoder(createIdentify({ secret, countries })),
  });
  const sink = config.role === 'all' ? openClickSink(foundation, transport) : undefined;
  return {
    events,
    sink,
    warm: () => countries.load(),
    async close() {
      await events.close({ timeout: '5s' });
      await sink?.close();
      await transport.close();
    },
  };
}
