import { setTimeout as pause } from 'node:timers/promises';
import { clientAddress, freePort, openLoad, startPostgres, startRedis, until } from '@spillway/testkit';
import pg from 'pg';
import { expect, test } from 'vitest';
import { allCounted, readStats } from '../support/clicks.ts';
import { startInstances } from '../support/cluster.ts';
import { ask, create, readMetric, visit } from '../support/cluster-client.ts';

const LOADS = 4;
const INSTANCES = 3;
const MOST = LOADS * INSTANCES;
const CODES = 50_000;
/** After this even a look-up that found no room is refused. */
const HARD_TIMEOUT_MS = 5_000;

/**
 * Queries of look-ups that PostgreSQL is working on, as it says itself, on a connection of this test: `pg_stat_activity` has a row for each
 * server process, and `active` is its state from the moment a statement arrives until its result is sent. A session of the pool
 * that waits for work is `idle`. The redirect's query is told from other statements by its text.
 */
const LOOK_UPS = `
  SELECT count(*)::int AS running FROM pg_stat_activity
  WHERE state = 'active' AND query LIKE 'SELECT link.* FROM json_array_elements_text($2::json) AS wanted%'`;

test(`G4, G7: Redis refused at the start and later, 100,000 codes asked meanwhile: all but speed goes on, and PostgreSQL works on at most ${MOST} queries for them`, async () => {
  await using postgres = await startPostgres({ fast: true });
  const redisPort = await freePort();
  const env = { LOADS: String(LOADS), LIMIT_REDIRECT: 'off' };
  await using instances = await startInstances({
    databaseUrl: postgres.url,
    redisUrl: `redis://127.0.0.1:${redisPort}`,
    count: INSTANCES,
    env,
  });
  const observer = new pg.Client({ connectionString: postgres.url });
  await observer.connect();
  const lockHolder = new pg.Client({ connectionString: postgres.url });
  await lockHolder.connect();
  await using _ = {
    async [Symbol.asyncDispose]() {
      await Promise.all([observer.end(), lockHolder.end()]);
    },
  };
  const lookUps = async () => (await observer.query<{ running: number }>(LOOK_UPS)).rows[0]?.running ?? 0;
  const known = (await create(instances.at(0), { url: 'https://example.org/known' })).body.code;
  let clicks = 0;

  /** Asks for codes that nobody ever asked for, from so many clients that none reaches its limit of misses. */
  const storm = async (name: string) => {
    await using load = openLoad({
      url: instances.all.map(({ url }) => url),
      requests: [{ path: `/${name}{{n}}` }],
      clients: CODES / 5,
      // More than fit into as many queries as may be, fifty look-ups in each.
      connections: MOST * 50 + 100,
      total: CODES,
    });
    const samples: number[] = [];
    let done = false;
    const sampling = (async () => {
      for (; !done; await pause(5)) samples.push(await lookUps());
    })();
    // A database that answers nobody for a moment: every look-up that it was given stays, so that they can be counted to the last.
    await until(() => load.progress.answered > CODES / 4, { timeoutMs: 60_000, what: 'the first codes' });
    await lockHolder.query('BEGIN');
    await lockHolder.query('LOCK TABLE links IN ACCESS EXCLUSIVE MODE');
    await until(async () => (await lookUps()) >= MOST, { what: `${MOST} look-ups to wait` });
    for (let i = 0; i < 20; i += 1) samples.push(await lookUps());
    await lockHolder.query('ROLLBACK');
    // Everything else goes on beside the storm.
    for (let i = 0; i < 30; i += 1) {
      const made = await create(instances.at(i), { url: `https://example.org/${name}/${i}` });
      expect(made.status).toBe(201);
      for (const { code, url } of [made.body, { code: known, url: 'https://example.org/known' }]) {
        const seen = await visit(instances.at(i + 1), code, clientAddress(i));
        expect([seen.status, seen.location]).toEqual([302, url]);
        expect(seen.answeredMs - seen.sentMs).toBeLessThan(HARD_TIMEOUT_MS);
        clicks += 1;
      }
    }
    const report = await load.done;
    done = true;
    await sampling;
    // Whoever found no room in the queue meanwhile was told to come back; nobody was told that a code exists, or hung.
    expect(Object.keys(report.statuses).filter((status) => !['404', '503'].includes(status))).toEqual([]);
    expect(report.errors).toEqual({});
    expect(report.statuses['404']).toBeGreaterThan(CODES / 2);
    expect(Math.max(...samples)).toBe(MOST);
  };

  await storm('a');
  await using redis = await startRedis({ port: redisPort, config: { 'maxmemory-policy': 'noeviction' } });
  await until(
    async () => {
      const states = instances.all.map((each) =>
        readMetric(each, 'spillway_links_dependency_state', '{dependency="redis"'),
      );
      return (await Promise.all(states)).every((state) => state === 2);
    },
    { timeoutMs: 30_000, what: 'all instances to see Redis' },
  );
  await redis.kill();
  await storm('b');
  await redis.restart();

  await allCounted(instances.all, async () => 0);
  expect((await readStats(instances.at(0), new URLSearchParams())).totals.clicks).toBe(clicks);
  const { body } = await ask<{ status: string }>(instances.at(0), 'GET', '/readyz');
  expect(body.status).toBe('ready');
});
