import { describe, expect, inject, test } from 'vitest';
import type { Click } from '../../src/clicks/click.ts';
import { formatCursor, parseCursor, readClicks } from '../../src/clicks/raw-clicks.ts';
import { clickTotals, readStats } from '../../src/clicks/stats.ts';
import { createClickWriter } from '../../src/clicks/write-clicks.ts';
import { openClickDatabase } from '../support/click-databases.ts';

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 0, 10);
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0';

const click = (given: Partial<Click> = {}): Click => ({
  linkId: 1,
  atMs: START,
  visitor: BigInt.asIntN(64, 0xfedcba9876543210n),
  country: 'SE',
  userAgent: BROWSER,
  referrer: '',
  ...given,
});

describe.each(['sqlite', 'postgres'] as const)('on %s', (dialect) => {
  const open = () => openClickDatabase(dialect, inject('postgresUrl'));
  const whole = { fromMs: START - 400 * DAY_MS, toMs: START + 400 * DAY_MS, interval: 'day' } as const;

  test('what a click says comes back as it was, hostile texts included', async () => {
    await using opened = await open();
    const { sql } = opened.database;
    const texts = ['{a,b}', 'NULL', '"', '\\', "'; DROP TABLE clicks; --", '\u{1f600} å', '$1', '%', 'a\tb', '[1,"2"]'];
    const write = createClickWriter({ dialect });
    const clicks = texts.map((referrer, index) => click({ referrer, atMs: START + index, linkId: 2 ** 41 }));
    await sql.transaction((transaction) => write(transaction, clicks));
    const read = await readClicks(sql, { linkId: 2 ** 41, limit: 100 });
    expect(read.clicks.map(({ referrer }) => referrer)).toEqual(texts.toReversed());
    expect(read.clicks[0]).toEqual({
      atMs: START + texts.length - 1,
      visitor: 'fedcba9876543210',
      bot: false,
      country: 'SE',
      browser: 'Firefox',
      system: 'Linux',
      device: 'desktop',
      referrer: '[1,"2"]',
    });
    expect((await readStats(sql, { linkId: 2 ** 41 }, whole)).referrers).toHaveLength(texts.length);
  });

  test('pages of clicks have every click once, though clicks of one millisecond and new ones come between', async () => {
    await using opened = await open();
    const { sql } = opened.database;
    const write = createClickWriter({ dialect });
    const batch = Array.from({ length: 25 }, (_, index) =>
      click({ atMs: START + (index >> 3), referrer: `r${index}` }),
    );
    await sql.transaction((transaction) => write(transaction, batch));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const after = cursor === undefined ? undefined : parseCursor(cursor);
      const page = await readClicks(sql, { linkId: 1, after, limit: 7 });
      seen.push(...page.clicks.map(({ referrer }) => referrer));
      cursor = page.next && formatCursor(page.next);
      await sql.transaction((transaction) => write(transaction, [click({ atMs: START + DAY_MS, referrer: 'late' })]));
    } while (cursor !== undefined);
    expect(seen).toHaveLength(25);
    expect(new Set(seen)).toEqual(new Set(batch.map(({ referrer }) => referrer)));
  });

  test('G6: writers on the same links and the same new days at once lose nothing, and roll-ups equal the rows', async () => {
    await using opened = await open();
    const { sql } = opened.database;
    const writers = Array.from({ length: 8 }, () => createClickWriter({ dialect }));
    await Promise.all(
      writers.map(async (write, writer) => {
        for (let round = 0; round < 5; round += 1) {
          const batch = Array.from({ length: 200 }, (_, index) =>
            click({ linkId: (index * 7 + writer) % 50, atMs: START + round * DAY_MS + index * 1_000_000 }),
          );
          await sql.transaction((transaction) => write(transaction, batch));
        }
      }),
    );
    const { rows } = await sql.query<Record<'raw' | 'hours' | 'totals' | 'service', number>>(
      `SELECT (SELECT count(*) FROM clicks) AS raw, (SELECT sum(clicks) FROM click_hours) AS hours,
         (SELECT sum(clicks) FROM click_totals) AS totals, (SELECT sum(clicks) FROM click_service_hours) AS service`,
    );
    expect(rows).toEqual([{ raw: 8000, hours: 8000, totals: 8000, service: 8000 }]);
    const totals = await clickTotals(
      sql,
      Array.from({ length: 60 }, (_, id) => id),
    );
    expect(totals.size).toBe(50);
    expect([...totals.values()].reduce((sum, clicks) => sum + clicks, 0)).toBe(8000);
    expect((await readStats(sql, 'service', whole)).totals).toEqual({ clicks: 8000, visitors: 1, bots: 0 });
  });

  test('a transaction that is rolled back leaves nothing, and the next one of its days passes', async () => {
    await using opened = await open();
    const { sql } = opened.database;
    const write = createClickWriter({ dialect });
    const failing = sql.transaction(async (transaction) => {
      await write(transaction, [click()]);
      throw new Error('the sink fails after the write');
    });
    await expect(failing).rejects.toThrow('the sink fails');
    expect((await readStats(sql, 'service', whole)).totals.clicks).toBe(0);
    for (let round = 0; round < 2; round += 1) await sql.transaction((transaction) => write(transaction, [click()]));
    expect((await readStats(sql, { linkId: 1 }, whole)).totals).toEqual({ clicks: 2, visitors: 1, bots: 0 });
  });

  test('no clicks at all are empty statistics', async () => {
    await using opened = await open();
    const stats = await readStats(opened.database.sql, { linkId: 1 }, { ...whole, toMs: whole.fromMs + 2 * DAY_MS });
    expect(stats.totals).toEqual({ clicks: 0, visitors: 0, bots: 0 });
    expect(stats.series).toHaveLength(2);
    expect(stats.referrers).toEqual([]);
  });
});

test('on PostgreSQL a day has a partition of its own, and the next day has one before it begins', async () => {
  await using opened = await openClickDatabase('postgres', inject('postgresUrl'));
  const { sql } = opened.database;
  const write = createClickWriter({ dialect: 'postgres' });
  await sql.transaction((transaction) => write(transaction, [click(), click({ atMs: START + 5 * DAY_MS })]));
  const { rows } = await sql.query<{ name: string }>(
    `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'clicks'::regclass ORDER BY 1`,
  );
  const day = START / DAY_MS;
  expect(rows.map(({ name }) => name)).toEqual([day, day + 1, day + 5, day + 6].map((each) => `clicks_d${each}`));
});

test('on PostgreSQL a partition that was dropped meanwhile is made again', async () => {
  await using opened = await openClickDatabase('postgres', inject('postgresUrl'));
  const { sql } = opened.database;
  const write = createClickWriter({ dialect: 'postgres' });
  for (let round = 0; round < 2; round += 1) await sql.transaction((transaction) => write(transaction, [click()]));
  await sql.query(`DROP TABLE clicks_d${START / DAY_MS}`);
  const again = () => sql.transaction((transaction) => write(transaction, [click()]));
  await expect(again()).rejects.toThrow(/no partition/);
  await again();
  expect((await readClicks(sql, { linkId: 1, limit: 10 })).clicks).toHaveLength(1);
});
