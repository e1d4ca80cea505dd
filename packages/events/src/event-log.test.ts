import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sqliteRunner } from '@spillway/kernel/sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { createEventLog } from './event-log.ts';
import { memoryTransport } from './memory/index.ts';
import { createSink } from './sink.ts';
import { eventMigrations, sqlWatermarks } from './sql/index.ts';

interface Click {
  readonly code: string;
  readonly n: number;
}

function database() {
  const db = new DatabaseSync(':memory:');
  for (const migration of eventMigrations) for (const statement of migration.up.sqlite) db.exec(statement);
  db.exec('CREATE TABLE clicks (code TEXT NOT NULL, n INTEGER NOT NULL)');
  return { db, sql: sqliteRunner(db) };
}

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'spillway-events-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('G6: what is published is written once, in order, and the books balance', async () => {
  const { db, sql } = database();
  const transport = memoryTransport();
  const sink = createSink<Click>({
    name: 'clicks',
    sql,
    transport,
    consumer: 'one',
    async write(transaction, events) {
      for (const { code, n } of events) await transaction.query('INSERT INTO clicks VALUES ($1, $2)', [code, n]);
    },
  });
  const log = await createEventLog<Click>({
    name: 'clicks',
    producer: 'web-1',
    transport,
    watermarks: sqlWatermarks({ sql, name: 'clicks' }),
    spool: { directory: directory() },
  });
  for (let n = 0; n < 1_000; n += 1) expect(log.publish({ code: 'abc', n })).toBe(true);
  expect(log.stats()).toMatchObject({ accepted: 1_000, counted: 0, pending: 1_000 });
  await log.flush();
  expect(log.stats()).toMatchObject({ accepted: 1_000, counted: 1_000, pending: 0 });
  const rows = db.prepare('SELECT n FROM clicks ORDER BY rowid').all();
  expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
  await log.close();
  await sink.close();
});
