import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { smallDisk, until } from '@spillway/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { createEventLog, createSink, type EventLog } from '../../src/index.ts';
import { memoryTransport } from '../../src/memory/index.ts';
import { sqlWatermarks } from '../../src/sql/index.ts';
import { type Click, openSqlite, writeClicks } from '../support/open-sql.ts';

const dropped = (log: EventLog<Click>) => Object.values(log.stats().dropped).reduce((sum, count) => sum + count, 0);

test('G6: a full disk drops by reason, keeps what it has, and takes again when there is room', async ({ skip }) => {
  const disk = smallDisk({ kib: 256 });
  if (disk === undefined)
    return skip('this user may not mount a small file system; run it as root, outside of a container');
  onTestFinished(() => disk.close());
  const { path } = disk;
  const { sql, counted, close } = await openSqlite();
  const transport = memoryTransport();
  const log = await createEventLog<Click>({
    name: 'clicks',
    producer: 'web',
    transport,
    watermarks: sqlWatermarks({ sql, name: 'clicks' }),
    spool: { directory: path },
    flushEvery: '5ms',
  });
  // One batch per call, whose fate is known when it returns.
  let batches = 0;
  const listener = (): void => {
    batches += 1;
  };
  subscribe('spillway:events:spool', listener);
  onTestFinished(() => void unsubscribe('spillway:events:spool', listener));
  const kept: number[] = [];
  let n = 0;
  const publish = async () => {
    const before = { batches, dropped: dropped(log) };
    const numbers = Array.from({ length: 20 }, (_, index) => n + index + 1);
    n += numbers.length;
    for (const number of numbers) log.publish({ who: `web${' '.repeat(300)}`, n: number });
    await until(() => batches > before.batches);
    if (dropped(log) === before.dropped) kept.push(...numbers);
  };

  // Filled by the log itself, and then to the last byte by somebody else.
  await publish();
  expect(log.stats().spool.state).toBe('writable');
  const ballast = join(path, 'ballast');
  try {
    writeFileSync(ballast, Buffer.alloc(1024 * 1024));
  } catch {}
  for (let round = 0; round < 4; round += 1) await publish();
  const full = log.stats();
  expect(full.spool.state).toBe('disk-full');
  expect(full.dropped['disk-full']).toBeGreaterThan(0);
  expect(full.counted + full.pending + dropped(log)).toBe(full.accepted);

  // Nobody has to be told that there is room again.
  rmSync(ballast);
  await publish();
  expect(log.stats().spool.state).toBe('writable');

  const sink = createSink<Click>({ name: 'clicks', sql, transport, consumer: 'one', write: writeClicks });
  await log.flush({ timeout: '20s' });
  expect(await counted()).toEqual(new Map([[`web${' '.repeat(300)}`, kept]]));
  expect(log.stats()).toMatchObject({ accepted: n, counted: kept.length, pending: 0 });
  expect(dropped(log)).toBe(n - kept.length);
  await log.close();
  await sink.close();
  await close();
});
