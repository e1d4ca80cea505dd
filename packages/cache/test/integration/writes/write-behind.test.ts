import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { temporaryDirectory, until } from '@spillway/testkit';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { createBin } from '../../support/redis-fixture.ts';
import { openStockApp, prepareDatabase, type StockApp } from '../../support/writes/stock-app.ts';

const bin = createBin();
let here: StockApp;
let there: StockApp;

beforeEach(async () => {
  const directory = bin.keep(temporaryDirectory({ name: 'write-behind' }));
  const database = join(directory.path, 'shop.db');
  prepareDatabase(database);
  const shop = `shop-${randomUUID()}`;
  const shared = { redisUrl: inject('redisUrl'), database, spool: join(directory.path, 'spool'), shop };
  here = bin.keep(await openStockApp({ ...shared, name: 'here', sink: 'on' }));
  there = bin.keep(await openStockApp({ ...shared, name: 'there', sink: 'off' }));
});
afterEach(() => bin.empty());

describe('writing behind through the event log of @spillway/events', () => {
  test('G5: a write shows here at once, on another instance by the bus, and comes into SQL later', async () => {
    expect(await there.stock.get('tea')).toBeUndefined();
    const writing = here.stock.put('tea', { pieces: 7 });
    expect(await here.stock.get('tea')).toEqual({ pieces: 7 });
    await writing;
    await until(async () => (await there.stock.get('tea'))?.pieces === 7);
    await here.stock.flush({ timeout: '20s' });
    expect(await here.inTruth('tea')).toEqual({ pieces: 7 });
    await here.stock.remove('tea');
    await until(async () => (await there.stock.get('tea')) === undefined);
    await here.stock.flush({ timeout: '20s' });
    expect(await here.inTruth('tea')).toBeUndefined();
  });

  test('a thousand writes of ten keys are a few rows in a few transactions, and the last of each stands', async () => {
    await Promise.all(Array.from({ length: 1_000 }, (_, n) => there.stock.put(`item ${n % 10}`, { pieces: n })));
    await there.stock.flush({ timeout: '20s' });
    for (let n = 0; n < 10; n += 1) expect(await here.inTruth(`item ${n}`)).toEqual({ pieces: 990 + n });
    const { rows, transactions } = here.written();
    expect(rows).toBeLessThanOrEqual(10 * transactions);
    expect(transactions).toBeLessThan(50);
  });

  test('a value that SQL refuses becomes a dead letter; the others are written, and reads go back to SQL', async () => {
    await here.stock.put('tea', { pieces: 7 });
    await here.stock.flush({ timeout: '20s' });
    await Promise.all([here.stock.put('tea', { pieces: -1 }), here.stock.put('milk', { pieces: 3 })]);
    await here.stock.flush({ timeout: '20s' });
    expect(await here.inTruth('milk')).toEqual({ pieces: 3 });
    for (const { stock } of [here, there]) {
      await until(async () => (await stock.get('tea'))?.pieces === 7);
    }
  });
});
