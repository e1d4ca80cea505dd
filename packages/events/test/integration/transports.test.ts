import { connectRedis } from '@spillway/redis';
import { until } from '@spillway/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { memoryTransport } from '../../src/memory/index.ts';
import { redisTransport } from '../../src/redis/index.ts';
import { sqlTransport } from '../../src/sql/index.ts';
import type { Delivery, EventReceiver, EventTransport, Parcel } from '../../src/transport.ts';
import { openPostgresAt, openSqlite, type TestPostgres } from '../support/open-sql.ts';

const link = connectRedis({ url: inject('redisUrl') });
let postgres: TestPostgres;
beforeAll(async () => {
  await link.ready({ timeout: '10s' });
  postgres = await openPostgresAt(inject('postgresUrl'));
});
afterAll(async () => {
  await link.close();
  await postgres.close();
});

/** A name of one's own, with everything in it that a key might choke on. */
let names = 0;
const ownName = () => `{click}:*${process.pid}%-${names++}\n`;
const claimAfter = '300ms';

const transports: Readonly<Record<string, () => EventTransport>> = {
  memory: () => memoryTransport(),
  Redis: () => redisTransport({ link, stream: ownName(), claimAfter }),
  PostgreSQL: () => sqlTransport({ sql: postgres.sql, queue: ownName(), claimAfter }),
};

const parcel = (text: string, floor = 0): Parcel => ({
  floor,
  frame: Buffer.from([0, 255, 10, 13, ...Buffer.from(text)]),
});
const texts = (deliveries: readonly Parcel[]) =>
  deliveries.map(({ frame }) => Buffer.from(frame.subarray(4)).toString());

describe.each(Object.entries(transports))('the transport over %s', (name, create) => {
  let transport: EventTransport;
  let receivers: EventReceiver[];
  const receive = (consumer: string) => {
    const receiver = transport.receive({ log: 'clicks', consumer });
    receivers.push(receiver);
    return receiver;
  };
  const { signal } = new AbortController();
  const next = (receiver: EventReceiver, maxBatches = 100) => receiver.next({ maxBatches, waitMs: 200, signal });
  /** Asks until there is something. */
  const some = async (receiver: EventReceiver, maxBatches?: number): Promise<readonly Delivery[]> => {
    let deliveries: readonly Delivery[] = [];
    await until(async () => {
      deliveries = await next(receiver, maxBatches);
      return deliveries.length > 0;
    });
    return deliveries;
  };

  beforeEach(() => {
    transport = create();
    receivers = [];
  });
  afterEach(async () => {
    await Promise.all(receivers.map((receiver) => receiver.close()));
    await transport.close();
  });

  test('hands over what was sent before anyone listened, byte by byte and in order, with its floor', async () => {
    await transport.send([parcel('a', 3), parcel('b', 4), parcel('c', 4)]);
    const deliveries = await some(receive('one'));
    expect(texts(deliveries)).toEqual(['a', 'b', 'c']);
    expect(deliveries.map(({ floor }) => floor)).toEqual([3, 4, 4]);
    expect(deliveries[0]?.frame.subarray(0, 4)).toEqual(Buffer.from([0, 255, 10, 13]));
  });

  test('gives no more at a time than was asked for, and each to one consumer', async () => {
    await transport.send(['a', 'b', 'c', 'd'].map((text) => parcel(text)));
    const [one, two] = [receive('one'), receive('two')];
    expect(texts(await some(one, 2))).toEqual(['a', 'b']);
    expect(texts(await some(two))).toEqual(['c', 'd']);
    expect(await next(one)).toEqual([]);
  });

  test('wakes a waiting consumer', async () => {
    const one = receive('one');
    expect(await next(one)).toEqual([]);
    const waiting = some(one);
    await transport.send([parcel('a')]);
    expect(texts(await waiting)).toEqual(['a']);
  });

  test('says what it does not hold any more: what was done, never what waits or was delivered', async () => {
    const receipts = await transport.send([parcel('a'), parcel('b'), parcel('c')]);
    const one = receive('one');
    const [a] = await some(one, 2);
    expect(await transport.missing(receipts)).toEqual(new Set());
    await one.done(a === undefined ? [] : [a], []);
    expect(await transport.missing(receipts)).toEqual(new Set(receipts.slice(0, 1)));
    expect(await transport.missing([])).toEqual(new Set());
  });

  test('gives what a consumer took and did not finish to another, and what was done to nobody', async () => {
    await transport.send([parcel('a'), parcel('b')]);
    const gone = receive('gone');
    const [a] = await some(gone);
    await gone.done(a === undefined ? [] : [a], []);
    await gone.close();
    const two = receive('two');
    expect(texts(await some(two))).toEqual(['b']);
  });

  test('tells committed watermarks to who listens in this process', async () => {
    const heard: unknown[] = [];
    const stop = transport.onCommitted((watermarks) => heard.push(...watermarks));
    const one = receive('one');
    const watermark = { producer: 'p', epoch: 'e', seq: 3, counted: 9, deadLettered: 1 };
    await one.done([], [watermark]);
    stop();
    await one.done([], [watermark]);
    expect(heard).toEqual([watermark]);
  });

  test('lets a waiting consumer go when it is asked to', async () => {
    const controller = new AbortController();
    const waiting = receive('one').next({ maxBatches: 1, waitMs: 1_000, signal: controller.signal });
    controller.abort();
    expect(await waiting).toEqual([]);
  });

  test(`takes a burst of ${name === 'memory' ? 'anything' : 'large batches'}`, async () => {
    const large = parcel('x'.repeat(400_000));
    const receipts = await transport.send(Array.from({ length: 12 }, () => large));
    expect(new Set(receipts).size).toBe(12);
    const one = receive('one');
    let got = 0;
    while (got < 12) {
      const deliveries = await some(one);
      got += deliveries.length;
      await one.done(deliveries, []);
    }
    expect((await transport.missing(receipts)).size).toBe(12);
  });
});

describe('the stream in Redis', () => {
  const key = (stream: string) => `spillway:events:v1:{${stream}}`;

  test('holds foreign entries off the sink as what is no batch', async () => {
    const stream = `foreign-${process.pid}`;
    await link.command('XADD', [key(stream), '*', 'hello', 'world']);
    const receiver = redisTransport({ link, stream }).receive({ log: 'clicks', consumer: 'one' });
    const deliveries = await receiver.next({ maxBatches: 10, waitMs: 100, signal: new AbortController().signal });
    expect(deliveries.map(({ frame, floor }) => [frame.length, floor])).toEqual([[0, 0]]);
    await receiver.done(deliveries, []);
    expect(await link.command('XLEN', [key(stream)])).toBe(0);
    await receiver.close();
  });

  test('G7: consumers long gone and entries behind the group are tidied away, nothing else', async () => {
    const { tidyScript } = await import('../../src/redis/stream-scripts.ts');
    const stream = key(`tidy-${process.pid}`);
    expect(await link.run(tidyScript, { stream, group: 'g', idleMs: 0 })).toEqual([0, 0]);
    const ids: string[] = [];
    for (let entry = 0; entry < 4; entry += 1) ids.push(await link.command<string>('XADD', [stream, '*', 'b', entry]));
    expect(await link.run(tidyScript, { stream, group: 'g', idleMs: 0 })).toEqual([0, 0]);
    await link.command('XGROUP', ['CREATE', stream, 'g', '0']);
    await link.command('XREADGROUP', ['GROUP', 'g', 'gone', 'COUNT', 2, 'STREAMS', stream, '>']);
    await link.command('XREADGROUP', ['GROUP', 'g', 'busy', 'COUNT', 1, 'STREAMS', stream, '>']);
    // Acknowledged, but the deletion was lost.
    await link.command('XACK', [stream, 'g', ids[0] ?? '', ids[1] ?? '']);
    await until(async () => {
      const consumers = await link.command<unknown[][]>('XINFO', ['CONSUMERS', stream, 'g']);
      return consumers.every((fields) => Number(fields[5]) > 5);
    });
    expect(await link.run(tidyScript, { stream, group: 'g', idleMs: 5 })).toEqual([1, 2]);
    expect(await link.command('XLEN', [stream])).toBe(2);
    const consumers = await link.command<unknown[][]>('XINFO', ['CONSUMERS', stream, 'g']);
    expect(consumers.map((fields) => fields[1])).toEqual(['busy']);
    await link.command('UNLINK', [stream]);
  });
});

test('the queue in SQL refuses SQLite by name, with the way out', async () => {
  const { sql, close } = await openSqlite();
  expect(() => sqlTransport({ sql, queue: 'clicks' })).toThrow('needs PostgreSQL, got sqlite; use memoryTransport()');
  await close();
});
