import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { spawnProcess, temporaryDirectory, until } from '@spillway/testkit';
import { expect, inject, test } from 'vitest';
import { createBin } from '../support/redis-fixture.ts';
import { openStockApp, prepareDatabase, type StockSettings } from '../support/writes/stock-app.ts';

test('G6: what a killed instance had put more than 100 ms before is written by another, and read there', async () => {
  const bin = createBin();
  try {
    const directory = bin.keep(temporaryDirectory({ name: 'write-behind' }));
    const shared: Omit<StockSettings, 'name' | 'sink'> = {
      redisUrl: inject('redisUrl'),
      database: join(directory.path, 'shop.db'),
      spool: join(directory.path, 'spool'),
      shop: `shop-${randomUUID()}`,
    };
    prepareDatabase(shared.database);
    // It has no sink: all that it has put is in its spool when it dies.
    const victim = bin.keep(
      spawnProcess({
        name: 'victim',
        module: new URL('../support/writes/stock-process.ts', import.meta.url),
        nodeArgs: ['--conditions=spillway-source'],
        args: [JSON.stringify({ ...shared, name: 'victim', sink: 'off' } satisfies StockSettings)],
        readyWhen: (line) => line === 'ready',
        keepLines: 100_000,
      }),
    );
    await victim.ready;
    const puts = () =>
      victim.stdout
        .filter((line) => line.startsWith('put '))
        .map((line) => line.split(' ').slice(1).map(Number) as [pieces: number, atMs: number, starvedMs: number]);
    await until(() => puts().length > 300);
    const killedAtMs = Date.now();
    await victim.kill();

    const survivor = bin.keep(await openStockApp({ ...shared, name: 'survivor', sink: 'on' }));
    const left = join(shared.spool, 'stock', 'victim');
    const epochs = () => (existsSync(left) ? readdirSync(left).filter((entry) => !entry.startsWith('spillway.')) : []);
    expect(epochs()).not.toEqual([]);
    await until(() => epochs().length === 0, { timeoutMs: 30_000, what: 'the spool of the victim to be taken over' });

    // A process that got no turn could not write either: that counts on top of G6's bound.
    const all = puts();
    const starvedMs = Math.max(...all.slice(-40).map(([, , ms]) => ms));
    const due = new Map<string, number>();
    for (const [pieces, atMs] of all) if (atMs <= killedAtMs - 100 - starvedMs) due.set(`item ${pieces % 20}`, pieces);
    expect(due.size).toBe(20);
    for (const [item, pieces] of due) {
      const truth = (await survivor.inTruth(item))?.pieces ?? 0;
      expect([item, truth >= pieces]).toEqual([item, true]);
      expect([item, ((await survivor.stock.get(item))?.pieces ?? 0) >= pieces]).toEqual([item, true]);
    }
    // 300 values and more, and each row once a batch.
    expect(survivor.written().rows).toBeLessThan(all.length);
  } finally {
    await bin.empty();
  }
});
