import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { StoreUnavailableError } from '@spillway/kernel';
import { until } from '@spillway/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { type Click, openSqlite, writeClicks } from '../test/support/open-sql.ts';
import { encodeBatch } from './batch.ts';
import { jsonCodec } from './codec.ts';
import { memoryTransport } from './memory/index.ts';
import { createSink, type Sink, type SinkOptions } from './sink.ts';
import { sqlWatermarks } from './sql/index.ts';

/** A sink that is fed by hand: what a transport delivers, in whatever order. */
async function fed(options: Partial<SinkOptions<Click>> = {}) {
  const database = await openSqlite();
  const transport = memoryTransport();
  const { sql } = database;
  const watermarks = sqlWatermarks({ sql, name: 'clicks' });
  const opened: Sink[] = [];
  onTestFinished(async () => {
    for (const sink of opened) await sink.close();
  });
  const sink = (more: Partial<SinkOptions<Click>> = {}) => {
    const made = createSink<Click>({
      name: 'clicks',
      sql,
      transport,
      consumer: 'one',
      write: writeClicks,
      ...options,
      ...more,
    });
    opened.push(made);
    return made;
  };
  /** One event per batch: its number is the batch's. */
  const parcel = (seq: number, floor = 0, atMs = Date.now()) => ({
    floor,
    frame: encodeBatch({ producer: 'p', epoch: 'e', seq }, 1, atMs, jsonCodec<Click>().encode([{ who: 'p', n: seq }]))
      .frame,
  });
  const receipts = new Set<string>();
  const send = async (...parcels: { floor: number; frame: Uint8Array }[]) => {
    for (const receipt of await transport.send(parcels)) receipts.add(receipt);
  };
  return {
    ...database,
    sink,
    send,
    parcel,
    transport,
    watermark: async () => (await watermarks.read([{ producer: 'p', epoch: 'e' }]))[0]?.seq ?? 0,
    /** Everything that was sent is acknowledged. */
    acknowledged: () => until(async () => (await transport.missing([...receipts])).size === receipts.size),
    numbers: async () => (await database.counted()).get('p') ?? [],
  };
}

function listen<Message>(name: string): Message[] {
  const heard: Message[] = [];
  const listener = (message: unknown): void => void heard.push(message as Message);
  subscribe(`spillway:events:${name}`, listener);
  onTestFinished(() => void unsubscribe(`spillway:events:${name}`, listener));
  return heard;
}

test('G6: copies are skipped, and order is kept whatever the order of arrival', async () => {
  const { sink, send, parcel, numbers, acknowledged } = await fed();
  await send(parcel(2), parcel(1), parcel(1), parcel(3), parcel(2));
  const one = sink();
  await acknowledged();
  await send(parcel(3), parcel(1), parcel(4));
  await acknowledged();
  expect(await numbers()).toEqual([1, 2, 3, 4]);
  expect(one.stats()).toMatchObject({ batches: 4, skipped: 4, held: 0 });
});

test('G6: a batch ahead of a hole waits for its predecessor', async () => {
  const { sink, send, parcel, numbers, watermark, acknowledged } = await fed();
  const one = sink();
  await send(parcel(1), parcel(3));
  await until(() => one.stats().held === 1);
  expect([await numbers(), await watermark()]).toEqual([[1], 1]);
  await send(parcel(2));
  await acknowledged();
  expect([await numbers(), await watermark()]).toEqual([[1, 2, 3], 3]);
});

test('G6: when patience ends, what is held is counted, and what comes late is too, once each', async () => {
  const { sink, send, parcel, numbers, watermark, acknowledged, sql } = await fed({ patience: '30ms' });
  sink();
  await send(parcel(1), parcel(3), parcel(5));
  await acknowledged();
  expect([await numbers(), await watermark()]).toEqual([[1, 3, 5], 1]);
  await send(parcel(3), parcel(5));
  await acknowledged();
  await send(parcel(2));
  await acknowledged();
  expect([await numbers(), await watermark()]).toEqual([[1, 3, 5, 2], 3]);
  await send(parcel(4));
  await acknowledged();
  expect([await numbers(), await watermark()]).toEqual([[1, 3, 5, 2, 4], 5]);
  expect((await sql.query('SELECT * FROM event_batches_ahead')).rows).toEqual([]);
  expect((await sql.query('SELECT counted, ahead FROM event_watermarks')).rows).toEqual([{ counted: 5, ahead: 0 }]);
});

test('a floor lets a database go on that lost commits, and says what is missing', async () => {
  const { sink, send, parcel, numbers, watermark, acknowledged } = await fed();
  const gaps = listen<{ batches: number }>('gap');
  const one = sink();
  await send(parcel(8, 6), parcel(7, 6));
  await acknowledged();
  expect([await numbers(), await watermark()]).toEqual([[7, 8], 8]);
  expect(gaps).toMatchObject([{ log: 'clicks', producer: 'p', epoch: 'e', batches: 6 }]);
  expect(one.stats().lost).toBe(6);
});

test('what is no batch is dropped, and takes nothing with it', async () => {
  const { sink, send, parcel, numbers, acknowledged } = await fed();
  const damaged = parcel(2);
  damaged.frame[60] = (damaged.frame[60] ?? 0) ^ 1;
  sink();
  await send({ floor: 0, frame: Buffer.from('garbage') }, damaged, { floor: 0, frame: Buffer.alloc(0) }, parcel(1));
  await acknowledged();
  await send(parcel(2));
  await acknowledged();
  expect(await numbers()).toEqual([1, 2]);
});

test('a batch that can not be decoded goes to the dead letters whole, and the next goes on', async () => {
  const { sink, send, parcel, numbers, acknowledged, sql, watermark } = await fed();
  const heard = listen('dead-letter');
  const one = sink();
  const odd = encodeBatch({ producer: 'p', epoch: 'e', seq: 2 }, 4, Date.now(), Buffer.from('{not json'));
  const short = encodeBatch({ producer: 'p', epoch: 'e', seq: 3 }, 4, Date.now(), Buffer.from('[]'));
  await send(parcel(1), { floor: 0, frame: odd.frame }, { floor: 0, frame: short.frame }, parcel(4));
  await acknowledged();
  expect([await numbers(), await watermark()]).toEqual([[1, 4], 4]);
  expect(one.stats()).toMatchObject({ events: 2, deadLettered: 8 });
  expect(heard).toMatchObject([
    { seq: 2, events: 4, reason: 'undecodable' },
    { seq: 3, events: 4 },
  ]);
  expect((await sql.query('SELECT seq, events, reason FROM event_dead_letters ORDER BY id')).rows).toEqual([
    { seq: 2, events: 4, reason: 'undecodable' },
    { seq: 3, events: 4, reason: 'undecodable' },
  ]);
});

test('G6: a batch from before what the sink remembers is put aside, never counted', async () => {
  const { sink, send, parcel, numbers, acknowledged, sql } = await fed({ retain: '1d' });
  sink();
  await send(parcel(1, 0, Date.now() - 2 * 86_400_000), parcel(2));
  await acknowledged();
  expect(await numbers()).toEqual([2]);
  expect((await sql.query('SELECT seq, reason FROM event_dead_letters')).rows).toEqual([{ seq: 1, reason: 'expired' }]);
});

test('G7: watermarks of producers long silent are forgotten', async () => {
  const { sink, sql } = await fed({ retain: '1d' });
  const insert = `INSERT INTO event_watermarks (log, producer, epoch, updated_ms) VALUES ('clicks', $1, 'e', $2)`;
  await sql.query(insert, ['silent', Date.now() - 3 * 86_400_000]);
  await sql.query(insert, ['recent', Date.now() - 86_400_000]);
  sink();
  const producers = async () => (await sql.query('SELECT producer FROM event_watermarks')).rows;
  await until(async () => (await producers()).length === 1);
  expect(await producers()).toEqual([{ producer: 'recent' }]);
});

test('G7: dead letters are bounded; beyond it they are only counted', async () => {
  const { sink, send, acknowledged, sql } = await fed({ maxDeadLetters: 3 });
  const one = sink();
  const events = Array.from({ length: 10 }, (_, n) => ({ who: 'p', n: -1 - n }));
  await send({
    floor: 0,
    frame: encodeBatch({ producer: 'p', epoch: 'e', seq: 1 }, 10, Date.now(), jsonCodec().encode(events)).frame,
  });
  await acknowledged();
  expect(one.stats().deadLettered).toBe(10);
  expect((await sql.query('SELECT count(*) AS n FROM event_dead_letters')).rows).toEqual([{ n: 3 }]);
});

test('G6: a missing table is nobody’s poison: it is waited for, and nothing is put aside', async () => {
  const { sink, send, parcel, numbers, acknowledged, sql } = await fed();
  await sql.query('ALTER TABLE clicks RENAME TO elsewhere');
  const retries = listen('retry');
  const one = sink();
  await send(parcel(1), parcel(2));
  await until(() => one.stats().retries >= 3);
  expect(retries[0]).toMatchObject({ log: 'clicks', what: 'commit' });
  await sql.query('ALTER TABLE elsewhere RENAME TO clicks');
  await acknowledged();
  expect(await numbers()).toEqual([1, 2]);
  expect(one.stats()).toMatchObject({ deadLettered: 0 });
});

test('G6: a commit whose answer is lost counts once', async () => {
  const { sink, send, parcel, numbers, acknowledged, sql } = await fed();
  let lost = 0;
  const one = sink({
    sql: {
      ...sql,
      async transaction(work) {
        const result = await sql.transaction(work);
        lost += 1;
        if (lost <= 2) throw new StoreUnavailableError('COMMIT');
        return result;
      },
    },
  });
  await send(parcel(1), parcel(2));
  await acknowledged();
  expect(await numbers()).toEqual([1, 2]);
  expect(one.stats()).toMatchObject({ retries: 2, skipped: 2 });
});

test('a write that fails by the events’ fault once, and then passes, puts nothing aside', async () => {
  const { sink, send, parcel, numbers, acknowledged } = await fed();
  let failures = 0;
  const one = sink({
    async write(transaction, events) {
      failures += 1;
      if (failures === 1) throw Object.assign(new Error('duplicate key'), { code: '23505' });
      await writeClicks(transaction, events);
    },
  });
  await send(parcel(1), parcel(2));
  await acknowledged();
  expect(await numbers()).toEqual([1, 2]);
  expect(one.stats()).toMatchObject({ deadLettered: 0, retries: 1 });
});

test('what is too much for the database at once is tried in parts', async () => {
  const { sink, send, parcel, numbers, acknowledged } = await fed();
  sink({
    async write(transaction, events) {
      if (events.length > 2) throw new StoreUnavailableError('INSERT', undefined, 'took too long for');
      await writeClicks(transaction, events);
    },
    maxEvents: 8,
  });
  await send(...Array.from({ length: 20 }, (_, index) => parcel(index + 1)));
  await acknowledged();
  expect(await numbers()).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
});

test('what one consumer took and did not finish goes to the next', async () => {
  const { sink, send, parcel, numbers, acknowledged } = await fed();
  const hung = sink({ write: () => Promise.reject(new StoreUnavailableError('INSERT')) });
  await send(parcel(1), parcel(2));
  await until(() => hung.stats().retries > 0);
  await hung.close();
  sink({ consumer: 'two' });
  await acknowledged();
  expect(await numbers()).toEqual([1, 2]);
});

test('a number of events that makes no sense is refused', () => {
  const wrong = { name: 'clicks', transport: memoryTransport(), consumer: 'one', write: writeClicks, maxEvents: 0 };
  expect(() => createSink({ ...wrong, sql: {} as never })).toThrow('maxEvents must be an integer >= 1, got 0');
});
