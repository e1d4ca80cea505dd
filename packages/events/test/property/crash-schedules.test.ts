import { type Random, type SqlRunner, StoreUnavailableError, seededRandom } from '@spillway/kernel';
import { temporaryDirectory, until } from '@spillway/testkit';
import { expect, test } from 'vitest';
import { createEventLog, createSink, type EventLog, type Sink } from '../../src/index.ts';
import { sqlWatermarks } from '../../src/sql/index.ts';
import { CALM, faultyTransport } from '../support/faulty-transport.ts';
import { type Click, openSqlite, writeClicks } from '../support/open-sql.ts';

const baseSeed = Number(process.env.SPILLWAY_SEED ?? 20_260_101);
const SCHEDULES = 6;
const STEPS = 120;

/** A database that fails before it begins, or after it has committed. */
function faultySql(sql: SqlRunner, random: Random, failing: () => boolean): SqlRunner {
  return {
    dialect: sql.dialect,
    async query(text, values) {
      if (failing() && random() < 0.3) throw new StoreUnavailableError('query');
      return sql.query(text, values);
    },
    async transaction(work) {
      if (failing() && random() < 0.3) throw new StoreUnavailableError('BEGIN');
      const result = await sql.transaction(work);
      if (failing() && random() < 0.3) throw new StoreUnavailableError('COMMIT');
      return result;
    },
  };
}

test.each(Array.from({ length: SCHEDULES }, (_, index) => baseSeed + index))(
  'G6: whatever a bad transport, a failing database and ending processes do, each event is counted once and in order (seed %i)',
  async (seed) => {
    const random = seededRandom(seed);
    const directory = temporaryDirectory({ name: 'crash-schedule' });
    const database = await openSqlite();
    const transport = faultyTransport(random);
    let sqlFails = false;
    const sql = faultySql(database.sql, random, () => sqlFails);
    const whole = (n: number): number => Math.floor(random() * n);

    const names = ['web-1', 'web-2'];
    const logs = new Map<string, EventLog<Click>>();
    const published = new Map(names.map((name) => [name, 0]));
    let dropped = 0;
    const account = (log: EventLog<Click>): void => {
      const stats = log.stats();
      const drops = Object.values(stats.dropped).reduce((sum, count) => sum + count, 0);
      expect(stats.counted + stats.pending + drops).toBe(stats.accepted);
    };
    const open = async (producer: string): Promise<void> => {
      const log = await createEventLog<Click>({
        name: 'clicks',
        producer,
        transport,
        watermarks: sqlWatermarks({ sql, name: 'clicks' }),
        spool: { directory: directory.path },
        flushEvery: '2ms',
        stallAfter: '40ms',
        adoptEvery: '40ms',
      });
      logs.set(producer, log);
    };
    const end = async (producer: string): Promise<void> => {
      const log = logs.get(producer);
      if (log === undefined) return;
      logs.delete(producer);
      await log.close({ timeout: '1ms' });
      account(log);
      dropped += Object.values(log.stats().dropped).reduce((sum, count) => sum + count, 0);
    };
    const sinks: Sink[] = [];
    const openSink = (): void => {
      const consumer = `sink-${sinks.length}-${whole(1e9)}`;
      sinks.push(createSink<Click>({ name: 'clicks', sql, transport, consumer, write: writeClicks }));
    };

    const steps: readonly (() => void | Promise<void>)[] = [
      () => {
        for (const [producer, log] of logs) {
          for (let count = whole(40); count > 0; count -= 1) {
            const n = (published.get(producer) ?? 0) + 1;
            published.set(producer, n);
            expect(log.publish({ who: producer, n })).toBe(true);
          }
          account(log);
        }
      },
      () => new Promise((resolve) => setTimeout(resolve, whole(20))),
      async () => {
        const producer = names[whole(names.length)] ?? 'web-1';
        await end(producer);
        if (random() < 0.8) await open(producer);
      },
      () => transport.forget(),
      () => transport.save(),
      () => transport.rollBack(),
      async () => {
        await sinks.splice(whole(sinks.length), 1)[0]?.close();
        if (sinks.length < 2) openSink();
      },
      () => {
        sqlFails = !sqlFails;
      },
      () => {
        const weather = () => (random() < 0.5 ? 0 : random() * 0.5);
        transport.weather = {
          refuse: weather(),
          lostReply: weather(),
          late: weather(),
          repeat: weather(),
          shuffle: weather(),
          failDone: weather(),
        };
      },
    ];
    // Publishing and waiting are more frequent than faults.
    const weighted = [0, 0, 0, 0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8];

    openSink();
    openSink();
    for (const producer of names) await open(producer);
    for (let step = 0; step < STEPS; step += 1) await steps[weighted[whole(weighted.length)] ?? 0]?.();

    transport.weather = CALM;
    sqlFails = false;
    for (const producer of names) if (!logs.has(producer)) await open(producer);
    if (sinks.length === 0) openSink();
    const total = () => [...published.values()].reduce((sum, count) => sum + count, 0);
    const counted = async () =>
      [...(await database.counted()).values()].reduce((sum, numbers) => sum + numbers.length, 0);
    await until(async () => (await counted()) >= total() - dropped, { timeoutMs: 60_000 });
    for (const log of logs.values()) await log.flush({ timeout: '60s' });
    expect(dropped).toBe(0);
    expect(await database.counted()).toEqual(
      new Map(
        [...published]
          .filter(([, count]) => count > 0)
          .map(([who, count]) => [who, Array.from({ length: count }, (_, n) => n + 1)]),
      ),
    );
    for (const log of logs.values()) {
      account(log);
      expect(log.stats().pending).toBe(0);
    }
    await Promise.all([...logs.values()].map((log) => log.close()));
    await Promise.all(sinks.map((sink) => sink.close()));
    await database.close();
    await directory.close();
  },
);
