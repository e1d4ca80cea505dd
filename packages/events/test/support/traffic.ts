import { temporaryDirectory } from '@spillway/testkit';
import { createEventLog, createSink, type EventLog, type EventTransport, type Sink } from '../../src/index.ts';
import { sqlWatermarks } from '../../src/sql/index.ts';
import { type Click, type TestSql, writeClicks } from './open-sql.ts';

export interface Traffic {
  readonly logs: readonly EventLog<Click>[];
  readonly sinks: readonly Sink[];
  readonly published: ReadonlyMap<string, number>;
  /** Ends the stream of events, waits until all are committed, and says what was counted. */
  finish(): Promise<Map<string, number[]>>;
  close(): Promise<void>;
}

/** Two producers that publish all the time and two consumers, in this process, while a test breaks what is between them. */
export async function startTraffic(database: TestSql, transport: EventTransport): Promise<Traffic> {
  const directory = temporaryDirectory({ name: 'traffic' });
  const { sql } = database;
  const names = ['web-1', 'web-2'];
  const sinks = names.map((consumer) =>
    createSink<Click>({ name: 'clicks', sql, transport, consumer, write: writeClicks }),
  );
  const published = new Map<string, number>();
  const logs = await Promise.all(
    names.map((producer) =>
      createEventLog<Click>({
        name: 'clicks',
        producer,
        transport,
        watermarks: sqlWatermarks({ sql, name: 'clicks' }),
        spool: { directory: directory.path },
      }),
    ),
  );
  const timer = setInterval(() => {
    for (const [index, who] of names.entries()) {
      for (let count = 0; count < 3; count += 1) {
        const n = (published.get(who) ?? 0) + 1;
        published.set(who, n);
        logs[index]?.publish({ who, n });
      }
    }
  }, 10);
  return {
    logs,
    sinks,
    published,
    async finish() {
      clearInterval(timer);
      await Promise.all(logs.map((log) => log.flush({ timeout: '60s' })));
      return database.counted();
    },
    async close() {
      clearInterval(timer);
      await Promise.all(logs.map((log) => log.close({ timeout: '1s' })));
      await Promise.all(sinks.map((sink) => sink.close()));
      await directory.close();
    },
  };
}

export const everything = (published: ReadonlyMap<string, number>): Map<string, number[]> =>
  new Map([...published].map(([who, count]) => [who, Array.from({ length: count }, (_, index) => index + 1)]));
