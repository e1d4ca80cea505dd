import { seededRandom } from '@spillway/kernel';
import {
  accessLog,
  byPath,
  checkCountedOnce,
  checkCounts,
  checkEqualCounts,
  checkLoss,
  openLoad,
  plainCount,
  redirectsSeen,
  startPostgres,
  until,
} from '@spillway/testkit';
import { describe, expect, test } from 'vitest';
import { allCounted, botsAmong, linksForLog, logRequests, readStats, redirected } from '../support/clicks.ts';
import { configurations, type Instances, SEED, startInstances, startOwnRedis } from '../support/cluster.ts';
import { ask, create, nowMs, readMetric } from '../support/cluster-client.ts';
import { postgresFaults, redisFaults, shake } from '../support/faults.ts';
import { inParallel } from '../support/in-parallel.ts';
import { spoolsLeft } from '../support/spools.ts';

describe.each(configurations)(`$name (SPILLWAY_SEED=${SEED})`, (configuration) => {
  test('G6: an access log is replayed while Redis and PostgreSQL forget, die and hang and an instance gets SIGTERM: the statistics are the count of the 302s', async () => {
    await using postgres = await startPostgres({ fast: true });
    await using redis = await startOwnRedis(configuration);
    const env = { LIMIT_REDIRECT: 'off', ALLOW_REPLAY_TIME: 'true' };
    await using instances = await startInstances({ databaseUrl: postgres.url, redisUrl: redis?.url, env });
    const log = await accessLog({ seed: SEED });
    const codes = await linksForLog(instances.at(0), log);
    // Known everywhere, so that it is redirected whatever is away. A HEAD is no click.
    for (const instance of instances.all) {
      await inParallel(codes.values(), 16, (code) => ask(instance, 'HEAD', `/${code}`));
    }
    const random = seededRandom(SEED);
    const total = 3 * log.length;
    await using load = openLoad({
      url: instances.all.map(({ url }) => url),
      requests: logRequests(log, codes),
      order: 'random',
      seed: SEED,
      connections: 48,
      rate: 1_500,
      total,
    });
    const progress = () => load.progress.sent / total;

    await redis?.saveSnapshot();
    const faults = [...postgresFaults(postgres), ...(redis === undefined ? [] : redisFaults(redis))];
    const stopOne = async () => {
      await until(() => progress() > 0.2 + random() * 0.5, { timeoutMs: 120_000, what: 'the load to go on' });
      expect(await instances.at(2).stop()).toEqual({ code: 0, signal: null });
      // It does not start without PostgreSQL.
      await until(
        () =>
          instances
            .at(2)
            .start()
            .then(() => true),
        { timeoutMs: 60_000, what: 'a successor' },
      );
    };
    await Promise.all([shake(faults, { progress, random }), stopOne()]);
    const report = await load.done;
    await allCounted(instances.all, () => spoolsLeft(instances, 'clicks'));

    const seen = redirected(log, report);
    expect(seen.length, JSON.stringify([report.statuses, report.errors])).toBeGreaterThan(total / 2);
    const times = log.map(({ atMs }) => atMs);
    const range = new URLSearchParams({
      from: new Date(Math.min(...times)).toISOString(),
      to: new Date(Math.max(...times) + 1).toISOString(),
      interval: 'hour',
    });
    const truth = plainCount(seen);
    const stats = await readStats(instances.at(0), range);
    expect(stats.totals).toEqual({ clicks: truth.clicks, visitors: truth.visitors, bots: botsAmong(seen) });
    const hours = stats.series.map(({ at, clicks }): [string, number] => [String(Date.parse(at)), clicks]);
    const trueHours = [...truth.clicksByHour].map(([hour, clicks]): [string, number] => [String(hour), clicks]);
    expect(checkEqualCounts(new Map(trueHours), new Map(hours))).toEqual([]);
    const perLink = new Map<string, number>();
    const trueLinks = new Map([...byPath(seen)].map(([path, lines]) => [codes.get(path) ?? '', lines.length]));
    for (const { code, clicks } of await allLinks(instances)) perLink.set(code, clicks);
    expect(checkEqualCounts(trueLinks, perLink)).toEqual([]);
    expect(checkCounts(await ownCounts(instances))).toEqual([]);
  });

  test('G6: instances are killed with SIGKILL: at most what they answered in their last 100 ms is lost, and nothing is counted twice', async () => {
    await using postgres = await startPostgres({ fast: true });
    await using redis = await startOwnRedis(configuration);
    const env = { LIMIT_REDIRECT: 'off' };
    await using instances = await startInstances({ databaseUrl: postgres.url, redisUrl: redis?.url, env });
    const { code } = (await create(instances.at(0), { url: 'https://example.org/', alias: 'kills' })).body;
    await using load = openLoad({
      url: instances.all.map(({ url }) => url),
      // Each request can be told from all others by what is kept of it.
      requests: [{ path: `/${code}`, headers: { Referer: 'https://visit-{{n}}.example/' } }],
      clients: 1_000,
      connections: 24,
      rate: 900,
      servedBy: 'x-served-by',
    });
    const random = seededRandom(SEED);
    const kills: { by: string; fromMs: number; untilMs: number }[] = [];
    for (let round = 0; round < 3; round += 1) {
      const before = load.progress.answered;
      const share = 500 + random() * 500;
      await until(() => load.progress.answered > before + share, { timeoutMs: 60_000, what: 'the load to go on' });
      const victim = instances.at(Math.floor(random() * 3));
      const killedMs = nowMs();
      await victim.kill();
      kills.push({ by: victim.name, fromMs: Math.floor(killedMs) - 100, untilMs: Math.ceil(nowMs()) });
      // Sometimes its successor finds its spool, sometimes a neighbour does.
      if (random() < 0.5) await victim.start();
      else {
        await until(async () => (await spoolsLeft(instances, 'clicks')) === 0, {
          timeoutMs: 60_000,
          what: 'an adoption',
        });
        await victim.start();
      }
    }
    const report = await load.stop();
    await allCounted(instances.all, () => spoolsLeft(instances, 'clicks'));

    const names = await countedVisits(instances, code);
    const sent = Array.from({ length: report.sent }, (_, n) => String(n));
    expect(checkCountedOnce(sent, names)).toEqual([]);
    const loss = {
      seen: Object.values(report.redirects)
        .flat()
        .reduce((sum, [, count]) => sum + count, 0),
      counted: (await readStats(instances.at(0), new URLSearchParams(), code)).totals.clicks,
      unanswered: Object.values(report.errors).reduce((sum, count) => sum + count, 0),
      kills: kills.map(({ by, ...window }) => ({ by, seenInWindow: redirectsSeen(report, { server: by, ...window }) })),
    };
    expect(names).toHaveLength(loss.counted);
    expect(checkLoss(loss)).toEqual([]);
    expect(loss.seen).toBeGreaterThan(1_500);
  });
});

async function ownCounts({ all }: Instances) {
  const metric = 'spillway_links_clicks';
  const each = all.map(async (instance) => {
    const [accepted, counted, pending, dropped] = await Promise.all([
      readMetric(instance, `${metric}_total`, '{stage="accepted"}'),
      readMetric(instance, `${metric}_total`, '{stage="counted"}'),
      readMetric(instance, `${metric}_pending`),
      readMetric(instance, `${metric}_dropped_total`),
    ]);
    return [instance.name, { accepted, counted, pending, dropped: { all: dropped } }] as const;
  });
  return Object.fromEntries(await Promise.all(each));
}

async function allLinks(instances: Instances): Promise<{ code: string; clicks: number }[]> {
  const links: { code: string; clicks: number }[] = [];
  for await (const page of pages<{ code: string; clicks: number }>(instances, 'links')) links.push(...page);
  return links;
}

/** The number that each counted visit carried. */
async function countedVisits(instances: Instances, code: string): Promise<string[]> {
  const names: string[] = [];
  for await (const page of pages<{ referrer: string }>(instances, `links/${code}/clicks`)) {
    names.push(...page.map(({ referrer }) => /visit-(\d+)/.exec(referrer)?.[1] ?? referrer));
  }
  return names;
}

async function* pages<Row>(instances: Instances, path: string): AsyncGenerator<Row[]> {
  let cursor: string | null = '';
  while (cursor !== null) {
    const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    type Page = { data: Row[]; nextCursor: string | null };
    const { body } = await ask<Page>(instances.at(0), 'GET', `/api/v1/${path}?limit=1000${query}`);
    yield body.data;
    cursor = body.nextCursor;
  }
}
