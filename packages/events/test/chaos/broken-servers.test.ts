import { connectRedis, type RedisLink } from '@spillway/redis';
import { type PostgresServer, type RedisServer, startPostgres, startRedis, until } from '@spillway/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { redisTransport } from '../../src/redis/index.ts';
import { sqlTransport } from '../../src/sql/index.ts';
import { openPostgresAt, type TestPostgres } from '../support/open-sql.ts';
import { everything, startTraffic, type Traffic } from '../support/traffic.ts';

let redis: RedisServer;
let postgres: PostgresServer;
let database: TestPostgres;
let link: RedisLink;
let traffic: Traffic;
/** Of one test: what a late command of an earlier one leaves is not in it. */
let stream: string;
let streams = 0;

beforeAll(async () => {
  [redis, postgres] = await Promise.all([startRedis(), startPostgres({ fast: true })]);
});
afterAll(async () => {
  await Promise.all([redis.close(), postgres.close()]);
});
afterEach(async () => {
  await traffic.close();
  await link.close();
  await database.close();
});

const entries = async () => Number(await redis.command('XLEN', `spillway:events:v1:{${stream}}`));
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const publishedNow = () => [...traffic.published.values()].reduce((sum, count) => sum + count, 0);
const countedNow = () => traffic.logs.reduce((sum, log) => sum + log.stats().counted, 0);
/** Traffic flows: more is counted than was published when this was called. */
const flowing = async () => {
  const upTo = publishedNow();
  await until(() => countedNow() > upTo, { timeoutMs: 100_000 });
};

/** Nothing lost, nothing twice, each producer's in order, and the books of the live producers balance. */
async function expectAllCounted(): Promise<void> {
  const counted = await traffic.finish();
  expect(counted).toEqual(everything(traffic.published));
  for (const log of traffic.logs) {
    const { accepted, counted: own, pending, dropped } = log.stats();
    expect(Object.values(dropped)).toEqual(Object.values(dropped).map(() => 0));
    expect({ own, pending }).toEqual({ own: accepted, pending: 0 });
  }
}

async function start(transport: 'redis' | 'sql'): Promise<void> {
  streams += 1;
  stream = `clicks-${streams}`;
  database = await openPostgresAt(postgres.url);
  link = connectRedis({ url: redis.url });
  await link.ready({ timeout: '10s' });
  traffic = await startTraffic(
    database,
    transport === 'redis'
      ? redisTransport({ link, stream, claimAfter: '2s' })
      : sqlTransport({ sql: database.sql, queue: 'clicks', claimAfter: '2s' }),
  );
  await flowing();
}

describe('over Redis', () => {
  beforeEach(async () => {
    await start('redis');
    await redis.command('CONFIG', 'SET', 'maxmemory', '0');
  });
  afterEach(async () => {
    await redis.command('FLUSHALL');
  });

  test('G6: FLUSHALL, again and again, loses nothing', async () => {
    for (let round = 0; round < 5; round += 1) {
      await redis.command('FLUSHALL');
      await pause(150);
    }
    await flowing();
    await expectAllCounted();
  });

  test('G6: a Redis that is killed, and comes back empty, loses nothing', async () => {
    await redis.kill();
    await pause(300);
    await redis.restart();
    await flowing();
    await expectAllCounted();
  });

  test('G6: a Redis that returns with old entries and an old group loses nothing and counts nothing twice', async () => {
    // The snapshot holds batches that are committed before it returns.
    postgres.pause();
    await until(async () => (await entries()) > 10);
    await redis.saveSnapshot();
    postgres.resume();
    await flowing();
    for (let round = 0; round < 2; round += 1) {
      await redis.restoreSnapshot();
      await flowing();
    }
    await expectAllCounted();
    expect(traffic.sinks.reduce((sum, sink) => sum + sink.stats().skipped, 0)).toBeGreaterThan(10);
  });

  test('G6: a Redis that is stopped and goes on, with late commands, loses nothing and counts nothing twice', async () => {
    for (let round = 0; round < 2; round += 1) {
      redis.pause();
      await pause(1_500);
      redis.resume();
      await flowing();
    }
    await expectAllCounted();
  });

  test('G6: a Redis that is full refuses, and nothing is lost', async () => {
    await redis.command('CONFIG', 'SET', 'maxmemory', '1mb');
    await pause(700);
    await redis.command('CONFIG', 'SET', 'maxmemory', '0');
    await flowing();
    await expectAllCounted();
  });

  test('G6: a PostgreSQL that is stopped and goes on counts everything once, and Redis does not fill meanwhile', async () => {
    postgres.pause();
    await pause(4_000);
    // Two windows at most: nothing is sent again while the watermark can not be read.
    expect(await entries()).toBeLessThanOrEqual(2 * 256);
    postgres.resume();
    await flowing();
    await expectAllCounted();
    await until(async () => (await entries()) === 0, { timeoutMs: 20_000 });
  });

  test('G6: a PostgreSQL that is killed and comes back counts everything once', async () => {
    await postgres.kill();
    await pause(500);
    await postgres.restart();
    await flowing();
    await expectAllCounted();
  });

  test('G6: both away at once', async () => {
    postgres.pause();
    redis.pause();
    await pause(1_500);
    await redis.kill();
    postgres.resume();
    await pause(300);
    await redis.restart();
    await flowing();
    await expectAllCounted();
  });
});

test('G6: over PostgreSQL alone, a crash that empties the unlogged queue loses nothing', async () => {
  await start('sql');
  await postgres.kill();
  await pause(300);
  await postgres.restart();
  await flowing();
  postgres.pause();
  await pause(2_500);
  postgres.resume();
  await flowing();
  await expectAllCounted();
});
