import { seededRandom } from '@spillway/kernel';
import { expect, inject, test } from 'vitest';
import type { Click } from '../../src/clicks/click.ts';
import { readAgent } from '../../src/clicks/read-agent.ts';
import { readStats } from '../../src/clicks/stats.ts';
import { intervalMs, type StatsRange } from '../../src/clicks/stats-range.ts';
import { createClickWriter } from '../../src/clicks/write-clicks.ts';
import { openClickDatabase } from '../support/click-databases.ts';

const HOUR_MS = 3_600_000;
const START = Date.UTC(2026, 1, 27);
const AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0',
  'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  '',
];
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Statistics as the definitions say, by counting. */
function plainCount(clicks: readonly Click[], { fromMs, toMs, interval }: StatsRange) {
  const within = clicks.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  const step = intervalMs(interval);
  const counts = (some: readonly Click[]) => ({
    clicks: some.length,
    visitors: new Set(some.map(({ visitor }) => visitor)).size,
    bots: some.filter(({ userAgent }) => readAgent(userAgent).bot).length,
  });
  const series = [];
  for (let at = Math.floor(fromMs / step) * step; at < toMs; at += step) {
    series.push({ atMs: at, ...counts(within.filter(({ atMs }) => atMs >= at && atMs < at + step)) });
  }
  const top = (of: (click: Click) => string) => {
    const found = new Map<string, number>();
    for (const click of within) found.set(of(click), (found.get(of(click)) ?? 0) + 1);
    const order = ([a, m]: [string, number], [b, n]: [string, number]) => n - m || (a < b ? -1 : 1);
    const shown = [...found].sort(order).slice(0, 20);
    return shown.map(([value, clicks]) => ({ value: value === '' ? 'direct' : value, clicks }));
  };
  return {
    totals: counts(within),
    series,
    referrers: top(({ referrer }) => referrer),
    countries: top(({ country }) => country),
    browsers: top(({ userAgent }) => readAgent(userAgent).browser),
    systems: top(({ userAgent }) => readAgent(userAgent).system),
    devices: top(({ userAgent }) => readAgent(userAgent).device),
  };
}

test.each(['sqlite', 'postgres'] as const)(
  `on %s statistics equal a plain count, for any clicks and any range (SEED=${seed})`,
  async (dialect) => {
    const random = seededRandom(seed);
    const below = (bound: number) => Math.floor(random() * bound);
    await using opened = await openClickDatabase(dialect, inject('postgresUrl'));
    const { sql } = opened.database;
    const write = createClickWriter({ dialect });
    const clicks: Click[] = Array.from({ length: 3000 }, () => ({
      linkId: below(3),
      // Often on an hour's very edge.
      atMs: START + below(100) * HOUR_MS + (below(3) === 0 ? ([0, HOUR_MS - 1, 1][below(3)] ?? 0) : below(HOUR_MS)),
      visitor: -BigInt(below(300)) * 0x1234567_89abcden,
      country: `${'ABCDEF'[below(6)]}${'GHIJKL'[below(6)]}`,
      userAgent: AGENTS[below(AGENTS.length)] ?? '',
      referrer: below(4) === 0 ? '' : `http://${below(30)}.example/`,
    }));
    for (let at = 0; at < clicks.length; at += 700) {
      await sql.transaction((transaction) => write(transaction, clicks.slice(at, at + 700)));
    }
    for (let round = 0; round < 25; round += 1) {
      const fromMs = START + below(90) * HOUR_MS + (below(2) === 0 ? 0 : below(HOUR_MS));
      const toMs = fromMs + 1 + (below(2) === 0 ? below(3) * HOUR_MS : below(60 * HOUR_MS));
      const range: StatsRange = { fromMs, toMs, interval: below(2) === 0 ? 'hour' : 'day' };
      const linkId = below(4);
      expect(await readStats(sql, { linkId }, range), JSON.stringify({ linkId, range })).toEqual(
        plainCount(
          clicks.filter((click) => click.linkId === linkId),
          range,
        ),
      );
      expect(await readStats(sql, 'service', range), JSON.stringify(range)).toEqual(plainCount(clicks, range));
    }
  },
);
