import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createCache } from '@spillway/cache';
import { createEventLog, createSink } from '@spillway/events';
import { memoryTransport } from '@spillway/events/memory';
import { eventMigrations, sqlWatermarks } from '@spillway/events/sql';
import { createIdAllocator, memoryBlocks } from '@spillway/ids';
import { sqliteRunner } from '@spillway/kernel/sqlite';
import { createLimiter, tokenBucket } from '@spillway/limit';
import { redisLimitStore } from '@spillway/limit/redis';
import { connectRedis } from '@spillway/redis';
import { watchDeniedKeys } from '@spillway/telemetry/denied-keys';
import { collectPrometheus } from '@spillway/telemetry/prometheus';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';

// Channels are joined by name only: these tests fail when an emitter renames one, or the fields of its messages.

let registry: Registry;
let collection: ReturnType<typeof collectPrometheus>;

beforeEach(() => {
  registry = new Registry();
  collection = collectPrometheus({ registry });
});

afterEach(async () => {
  const misunderstood = await sample('spillway_telemetry_errors_total{');
  collection.close();
  expect(misunderstood).toBeUndefined();
});

/** Value of the first sample whose line begins so. */
async function sample(begins: string): Promise<number | undefined> {
  const line = (await registry.metrics()).split('\n').find((each) => each.startsWith(begins));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}

test('a limiter on real Redis shows its decisions, its link and its commands', async () => {
  const link = connectRedis({ url: inject('redisUrl'), name: 'main', deadline: '5s' });
  await link.ready({ timeout: '10s' });
  const policy = tokenBucket({ name: 'free', capacity: 1, refill: { tokens: 1, every: '1h' } });
  const denied = watchDeniedKeys();
  const store = redisLimitStore({ link, prefix: `telemetry-${process.pid}` });
  const limiter = createLimiter({ policy }, { store, presence: { instances: 2 } });
  await limiter.take('ada');
  await limiter.take('ada');
  expect(await sample('spillway_redis_up{link="main"}')).toBe(1);
  await link.close();
  await limiter.take('grace');
  expect(await sample('spillway_limit_decisions_total{policy="free",outcome="allowed",decided_by="store"}')).toBe(1);
  expect(await sample('spillway_limit_decisions_total{policy="free",outcome="denied",decided_by="store"}')).toBe(1);
  expect(await sample('spillway_limit_decisions_total{policy="free",outcome="allowed",decided_by="share"}')).toBe(1);
  expect(await sample('spillway_limit_degraded_decisions_total{policy="free"}')).toBe(1);
  expect(await sample('spillway_limit_store_errors_total{policy="free"}')).toBe(1);
  const byStrategy = 'spillway_limit_strategy_decisions_total{strategy="token-bucket",outcome="allowed"';
  expect(await sample(`${byStrategy},decided_by="store"}`)).toBe(1);
  expect(await sample('spillway_limit_fallbacks_total{decided_by="share",outcome="allowed"}')).toBe(1);
  expect(await sample('spillway_limit_store_calls_total{operation="take",outcome="ok"}')).toBe(2);
  expect(await sample('spillway_limit_store_calls_total{operation="take",outcome="error"}')).toBe(1);
  expect(await sample('spillway_limit_store_duration_seconds_count{operation="take"}')).toBe(3);
  expect(denied.top()).toEqual([{ key: 'ada', policy: 'free', denials: 1, atLeast: 1 }]);
  denied.close();
  expect(await sample('spillway_redis_up{link="main"}')).toBe(0);
  const command = '{link="main",operation="limit"';
  expect(await sample(`spillway_redis_commands_total${command},outcome="ok"}`)).toBe(2);
  // The first EVALSHA may have met a server that did not know the script: a command of its own.
  expect(await sample(`spillway_redis_command_duration_seconds_count${command}}`)).toBeGreaterThanOrEqual(2);
});

test('a limiter with leases shows how many units it holds, and none once it is closed', async () => {
  const link = connectRedis({ url: inject('redisUrl'), deadline: '5s' });
  await link.ready({ timeout: '10s' });
  const policy = tokenBucket({ name: 'leased', capacity: 1000, refill: { tokens: 1000, every: '1h' } });
  const store = redisLimitStore({ link, prefix: `telemetry-lease-${process.pid}` });
  const lease = { maxAge: '1m' } as const;
  const limiter = createLimiter({ policy, mode: 'lease', lease }, { store, presence: { instances: 1 } });
  for (let taken = 0; taken < 50; taken += 1) await limiter.take('ada');
  const units = (what: string) => sample(`spillway_limit_lease_units_total{policy="leased",what="${what}"}`);
  const held = await sample('spillway_limit_lease_units_held{policy="leased"}');
  expect(held).toBeGreaterThan(0);
  expect(held).toBe(((await units('granted')) ?? 0) - ((await units('spent')) ?? 0));
  await limiter.close();
  expect(await sample('spillway_limit_lease_units_held{policy="leased"}')).toBe(0);
  await link.close();
});

test('a cache shows its answers by tier, and its loads', async () => {
  const cache = createCache<string>({ name: 'links', ttl: '1m' });
  for (const key of ['a', 'a', 'b']) await cache.get(key, async () => (key === 'a' ? 'value' : undefined));
  expect(await sample('spillway_cache_l1_entries{cache="links"}')).toBe(2);
  expect(await sample('spillway_cache_l1_bytes{cache="links"}')).toBe(cache.stats().l1.bytes);
  await cache.invalidate({ key: 'a' });
  expect(await sample('spillway_cache_gets_total{cache="links",from="l1"}')).toBe(1);
  expect(await sample('spillway_cache_gets_total{cache="links",from="loader"}')).toBe(2);
  expect(await sample('spillway_cache_negative_gets_total{cache="links",from="loader"}')).toBe(1);
  expect(await sample('spillway_cache_loads_total{cache="links",outcome="absent"}')).toBe(1);
  expect(await sample('spillway_cache_load_duration_seconds_count{cache="links"}')).toBe(2);
  expect(await sample('spillway_cache_invalidated_keys_total{cache="links",origin="local"')).toBe(1);
  await cache.close();
});

test('an id allocator shows its blocks', async () => {
  const ids = createIdAllocator({ name: 'links', source: memoryBlocks(), blockSize: 10 });
  await ids.take(15);
  expect(await sample('spillway_ids_blocks_total{allocator="links",proposed_by="memory"}')).toBeGreaterThanOrEqual(2);
  expect(await sample('spillway_ids_block_duration_seconds_count{allocator="links"}')).toBeGreaterThanOrEqual(2);
  await ids.close();
});

test('an event log shows what was sent and committed, and its spool', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spillway-telemetry-'));
  const database = new DatabaseSync(':memory:');
  const sql = sqliteRunner(database);
  for (const migration of eventMigrations) for (const statement of migration.up.sqlite) database.exec(statement);
  const transport = memoryTransport();
  const watermarks = sqlWatermarks({ sql, name: 'clicks' });
  const sink = createSink<string>({ name: 'clicks', sql, transport, consumer: 'a', write: async () => {} });
  const log = await createEventLog<string>({
    name: 'clicks',
    producer: 'p',
    transport,
    watermarks,
    spool: { directory },
  });
  for (let at = 0; at < 25; at += 1) log.publish(`event ${at}`);
  await log.flush();
  expect(await sample('spillway_events_committed_total{log="clicks"}')).toBe(25);
  expect(await sample('spillway_events_batched_total{log="clicks",stage="spooled"}')).toBe(25);
  expect(await sample('spillway_events_spool_writable{log="clicks"}')).toBe(1);
  expect(await sample('spillway_events_lag_seconds{log="clicks"}')).toBeGreaterThanOrEqual(0);
  await log.close({ timeout: '5s' });
  expect(log.publish('too late')).toBe(false);
  expect(await sample('spillway_events_dropped_total{log="clicks",reason="closed"}')).toBe(1);
  await sink.close();
  await transport.close();
  database.close();
  rmSync(directory, { recursive: true });
});
