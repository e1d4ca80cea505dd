import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError, StoreUnavailableError } from '@spillway/kernel';
import { temporaryDirectory, until } from '@spillway/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { type Click, openSqlite, writeClicks } from '../test/support/open-sql.ts';
import { createEventLog, type EventLog } from './event-log.ts';
import type { EventLogOptions } from './log/options.ts';
import { memoryTransport } from './memory/index.ts';
import { createSink, type SinkOptions } from './sink.ts';
import { DirectoryLockedError } from './spool/directory-lock.ts';
import { sqlWatermarks } from './sql/index.ts';

/** One disk, one database, one transport; logs and sinks as wanted. */
async function world() {
  const directory = temporaryDirectory({ name: 'event-log' });
  const database = await openSqlite();
  const transport = memoryTransport();
  const { sql } = database;
  const opened: { close(): Promise<void> }[] = [];
  onTestFinished(async () => {
    for (const one of opened) await one.close();
    await directory.close();
  });
  return {
    ...database,
    transport,
    root: directory.path,
    spools: () =>
      readdirSync(join(directory.path, 'clicks'), { recursive: true }).filter((name) =>
        String(name).endsWith('.batches'),
      ),
    async log(producer: string, options: Partial<EventLogOptions<Click>> = {}): Promise<EventLog<Click>> {
      const log = await createEventLog<Click>({
        name: 'clicks',
        producer,
        transport,
        watermarks: sqlWatermarks({ sql, name: 'clicks' }),
        spool: { directory: directory.path },
        adoptEvery: '50ms',
        flushEvery: '5ms',
        ...options,
      });
      opened.push({ close: () => log.close({ timeout: '1ms' }) });
      return log;
    },
    sink(options: Partial<SinkOptions<Click>> = {}) {
      const sink = createSink<Click>({
        name: 'clicks',
        sql,
        transport,
        consumer: 'one',
        write: writeClicks,
        ...options,
      });
      opened.unshift(sink);
      return sink;
    },
  };
}

function publish(log: EventLog<Click>, who: string, from: number, to: number): void {
  for (let n = from; n <= to; n += 1) log.publish({ who, n });
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);
const sum = (counts: Readonly<Record<string, number>>) =>
  Object.values(counts).reduce((total, count) => total + count, 0);

test('G6: what is published is counted once, in order, and the books balance', async () => {
  const { log, sink, counted } = await world();
  sink();
  const clicks = await log('web-1');
  publish(clicks, 'a', 1, 1_000);
  expect(clicks.stats()).toMatchObject({ accepted: 1_000, counted: 0, pending: 1_000 });
  await clicks.flush();
  expect(clicks.stats()).toMatchObject({ accepted: 1_000, counted: 1_000, pending: 0 });
  expect(await counted()).toEqual(new Map([['a', range(1, 1_000)]]));
});

test('G6: the books balance at every instant, also while much is dropped', async () => {
  const { log, sink } = await world();
  sink();
  const clicks = await log('web-1', { ring: { max: 50 } });
  for (let n = 0; n < 3_000; n += 1) {
    clicks.publish({ who: 'a', n });
    const { accepted, counted, pending, dropped } = clicks.stats();
    expect(counted + pending + sum(dropped)).toBe(accepted);
    if (n % 70 === 0) await new Promise((resolve) => setTimeout(resolve, n % 11));
  }
  await clicks.flush();
  const { counted, dropped } = clicks.stats();
  expect(dropped['ring-full']).toBeGreaterThan(0);
  expect(counted).toBe(3_000 - sum(dropped));
});

test('G7: a full ring refuses at once, and says so', async () => {
  const { log } = await world();
  const clicks = await log('web-1', { ring: { max: 3 } });
  expect([1, 2, 3, 4].map((n) => clicks.publish({ who: 'a', n }))).toEqual([true, true, true, false]);
  expect(clicks.stats()).toMatchObject({ accepted: 4, pending: 3, dropped: { 'ring-full': 1 } });
});

test('G7: a full spool drops what is new and keeps what it has; with room again it takes again', async () => {
  const { log, sink, counted } = await world();
  const clicks = await log('web-1', { spool: { directory: (await world()).root, maxBytes: 64 * 1024 } });
  for (let n = 1; n <= 20; n += 1) {
    publish(clicks, 'x'.repeat(200), n * 100 + 1, n * 100 + 100);
    await clicks.flush({ timeout: '20ms' }).catch(() => undefined);
  }
  const full = clicks.stats();
  expect(full.spool).toMatchObject({ state: 'spool-full' });
  expect(full.spool.bytes).toBeLessThanOrEqual(64 * 1024);
  expect(full.pending).toBeGreaterThan(0);
  sink();
  await clicks.flush();
  publish(clicks, 'later', 1, 5);
  await clicks.flush();
  expect(clicks.stats()).toMatchObject({ pending: 0, spool: { state: 'writable' }, accepted: 2_005 });
  expect((await counted()).get('later')).toEqual(range(1, 5));
  expect(clicks.stats().counted).toBe(2_005 - sum(full.dropped));
});

test('an event that can not be encoded is dropped alone', async () => {
  const { log, sink, counted } = await world();
  sink();
  const clicks = await log('web-1');
  clicks.publish({ who: 'a', n: 1 });
  clicks.publish({ who: 'a', n: 2n as unknown as number });
  clicks.publish({ who: 'a', n: 3 });
  await clicks.flush();
  expect(clicks.stats()).toMatchObject({ accepted: 3, counted: 2, pending: 0, dropped: { unencodable: 1 } });
  expect(await counted()).toEqual(new Map([['a', [1, 3]]]));
});

test('after close nothing is taken, and a second close is the first', async () => {
  const { log, sink, spools } = await world();
  sink();
  const clicks = await log('web-1');
  publish(clicks, 'a', 1, 10);
  await Promise.all([clicks.close(), clicks.close()]);
  expect(clicks.publish({ who: 'a', n: 11 })).toBe(false);
  expect(clicks.stats()).toMatchObject({ accepted: 11, counted: 10, pending: 0, dropped: { closed: 1 } });
  expect(spools()).toEqual([]);
});

test('G6: SIGTERM with the sink away loses nothing: the next start counts it, before its own', async () => {
  const { log, sink, counted, spools } = await world();
  const first = await log('web-1');
  publish(first, 'a', 1, 10);
  await expect(first.flush({ timeout: '30ms' })).rejects.toThrow(StoreUnavailableError);
  publish(first, 'a', 11, 20);
  await first.close({ timeout: '30ms' });
  expect(first.stats()).toMatchObject({ accepted: 20, pending: 20 });
  expect(spools().length).toBe(1);

  const second = await log('web-1');
  publish(second, 'a', 21, 30);
  const third = await log('web-2');
  sink();
  await second.flush({ timeout: '10s' });
  expect(await counted()).toEqual(new Map([['a', range(1, 30)]]));
  await until(() => second.stats().adopted.drained + third.stats().adopted.drained === 1);
  await Promise.all([second.close(), third.close()]);
  expect(spools()).toEqual([]);
});

test('G6: the spool of a dead producer is drained by another one, under its own name', async () => {
  const { log, sink, counted, sql } = await world();
  const dead = await log('web-1');
  publish(dead, 'a', 1, 10);
  await dead.close({ timeout: '1ms' });
  const other = await log('web-2');
  sink();
  await until(() => other.stats().adopted.drained === 1);
  expect(await counted()).toEqual(new Map([['a', range(1, 10)]]));
  const { rows } = await sql.query('SELECT DISTINCT producer FROM event_watermarks');
  expect(rows).toEqual([{ producer: 'web-1' }]);
  expect(other.stats()).toMatchObject({ accepted: 0, counted: 0, pending: 0 });
});

test('a second live producer of one name is refused; other names, however alike, are not', async () => {
  const { log } = await world();
  await log('web:1');
  await expect(log('web:1')).rejects.toThrow(DirectoryLockedError);
  await expect(log('web:1')).rejects.toThrow(/is in use by this process/);
  await log('web%3a1');
  await log('WEB:1');
  await log('../web:1');
});

test('all that is wrong with the options is said at once', async () => {
  const { log } = await world();
  const wrong = log('', {
    spool: { directory: '', maxBytes: 10 },
    ring: { max: 0 },
    flushEvery: '0ms',
    fsync: 'sometimes' as 'off',
  });
  await expect(wrong).rejects.toThrow(ConfigurationError);
  const error = await wrong.catch((reason: ConfigurationError) => reason);
  expect((error as ConfigurationError).issues.map(({ path }) => path).sort()).toEqual([
    'flushEvery',
    'fsync',
    'producer',
    'ring.max',
    'spool.directory',
    'spool.maxBytes',
  ]);
});

test('G6: a poison event ends in the dead letters with its payload, and the books know it', async () => {
  const { log, sink, counted, sql } = await world();
  const clicks = await log('web-1');
  publish(clicks, 'a', 1, 20);
  clicks.publish({ who: 'a', n: -1 });
  publish(clicks, 'a', 21, 40);
  clicks.publish({ who: 'a', n: -2 });
  sink();
  await clicks.flush();
  expect(await counted()).toEqual(new Map([['a', range(1, 40)]]));
  expect(clicks.stats()).toMatchObject({ accepted: 42, counted: 40, pending: 0, dropped: { 'dead-letter': 2 } });
  const { rows } = await sql.query<{ payload: Uint8Array; reason: string; error: string }>(
    'SELECT * FROM event_dead_letters ORDER BY id',
  );
  expect(rows.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()))).toEqual([
    [{ who: 'a', n: -1 }],
    [{ who: 'a', n: -2 }],
  ]);
  expect(rows[0]).toMatchObject({ reason: 'refused', error: expect.stringContaining('CHECK constraint failed') });
});
