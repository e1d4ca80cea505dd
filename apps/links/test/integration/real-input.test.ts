import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  accessLog,
  byPath,
  dataFile,
  type LogEntry,
  plainCount,
  temporaryDirectory,
  until,
  urls,
} from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { startCluster } from '../../../../scripts/cluster/start-cluster.ts';
import type { ListedLink } from '../../src/cli/links-api.ts';
import { botsAmong } from '../support/clicks.ts';
import { spillway, startEmbedded } from '../support/spillway.ts';

const BASE = 'http://semicomplete.com';

interface Running extends AsyncDisposable {
  readonly url: string;
  readonly adminKey: string;
}

interface Stats {
  readonly totals: { readonly clicks: number; readonly visitors: number; readonly bots: number };
  readonly series: readonly { readonly at: string; readonly clicks: number }[];
  readonly referrers: readonly { readonly value: string; readonly clicks: number }[];
}

const kinds: readonly [name: string, start: () => Promise<Running>][] = [
  ['embedded', () => startEmbedded({ TRUSTED_PROXIES: 'loopback', ALLOW_REPLAY_TIME: 'true' })],
  ['three instances behind nginx, with Redis and PostgreSQL', () => startCluster()],
  ['three instances behind nginx, with PostgreSQL alone', () => startCluster({ redis: 'off' })],
];

describe.each(kinds)('%s', (_, start) => {
  test('G6: URLs are imported, a real access log is replayed, and statistics equal a plain count over the log', async () => {
    await using service = await start();
    await using directory = temporaryDirectory({ name: 'real-input' });
    const env = { SPILLWAY_SERVER: service.url, SPILLWAY_KEY: service.adminKey };
    const call = async <Answer>(path: string): Promise<Answer> => {
      const response = await fetch(`${service.url}/api/v1${path}`, { headers: { 'x-api-key': service.adminKey } });
      expect(response.status, path).toBe(200);
      return (await response.json()) as Answer;
    };

    const wanted = await urls();
    const file = join(directory.path, 'urls.txt');
    await writeFile(file, ['javascript:alert(1)', ...wanted].join('\n'));
    const imported = await spillway(['import', file], { env });
    expect(imported.stderr).toMatch(/^line 1: url: must start with http/m);
    const refused = imported.stderr.split('\n').filter((line) => line.startsWith('line ')).length;
    expect(imported.stdout).toContain(`${wanted.length + 1 - refused} links made, ${refused} rows refused`);
    expect(refused).toBeLessThan(1 + wanted.length / 100);

    const entries = await accessLog();
    const log = dataFile('access.log.gz') ?? (await written(entries, join(directory.path, 'access.log')));
    const replayed = await spillway(['replay', log, '--base', BASE, '--create'], { env });
    expect(replayed.stderr).toBe('');
    expect(replayed.stdout).toMatch(new RegExp(`^ {2}302 +${entries.length}$`, 'm'));
    expect(replayed.code).toBe(0);

    const range = rangeOf(entries);
    const whole = await until(
      async () => {
        const stats = await call<Stats>(`/stats?${range}`);
        return stats.totals.clicks >= entries.length ? stats : undefined;
      },
      { timeoutMs: 30_000, what: `${entries.length} clicks to be counted` },
    );
    assertEqualCount(whole, entries, 'the whole service');

    const links = await allLinks(call);
    const codes = new Map(links.map((link) => [link.url, link]));
    const paths = [...byPath(entries)];
    for (const group of chunks(paths, 16)) {
      await Promise.all(
        group.map(async ([path, lines]) => {
          const link = codes.get(new URL(BASE + path).href);
          expect(link?.clicks, path).toBe(lines.length);
          assertEqualCount(await call<Stats>(`/links/${link?.code}/stats?${range}`), lines, path);
        }),
      );
    }
    expect(links.reduce((sum, link) => sum + link.clicks, 0)).toBe(entries.length);
  });
});

function assertEqualCount(stats: Stats, entries: readonly LogEntry[], what: string): void {
  const truth = plainCount(entries);
  const { clicks, visitors } = truth;
  expect(stats.totals, what).toEqual({ clicks, visitors, bots: botsAmong(entries) });
  const hours = stats.series.filter(({ clicks }) => clicks > 0).map(({ at, clicks }) => [Date.parse(at), clicks]);
  expect(hours, what).toEqual([...truth.clicksByHour].sort(([a], [b]) => a - b));
  // The plain count does not list those without a referrer.
  const referrers = stats.referrers.filter(({ value }) => value !== 'direct');
  expect(referrers, what).toEqual(truth.referrers.slice(0, referrers.length));
  expect(referrers.length, what).toBeGreaterThanOrEqual(Math.min(19, truth.referrers.length));
}

function rangeOf(entries: readonly LogEntry[]): URLSearchParams {
  const times = entries.map(({ atMs }) => atMs).sort((a, b) => a - b);
  return new URLSearchParams({
    from: new Date(times[0] ?? 0).toISOString(),
    to: new Date((times.at(-1) ?? 0) + 1).toISOString(),
    interval: 'hour',
  });
}

async function allLinks(call: <Answer>(path: string) => Promise<Answer>): Promise<ListedLink[]> {
  const links: ListedLink[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { data: ListedLink[]; nextCursor: string | null } = await call(`/links?limit=1000${query}`);
    links.push(...page.data);
    cursor = page.nextCursor;
  }
  return links;
}

function* chunks<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size);
}

async function written(entries: readonly LogEntry[], file: string): Promise<string> {
  await writeFile(file, entries.map(({ line }) => `${line}\n`).join(''));
  return file;
}
